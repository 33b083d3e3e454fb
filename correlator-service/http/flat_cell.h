#pragma once

#include <google/protobuf/map.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/time/timestamp.h"

namespace alertjoin {

using LabelMap = google::protobuf::Map<std::string, std::string>;

// One value of a flat table; monostate: there is none. It points into the row it was taken from.
using FlatCell = std::variant<std::monostate, std::string_view, double, int64_t, bool, Timestamp,
                              const LabelMap*>;

// What the cells of a column hold.
enum class FlatType {
  kText,
  kNumber,  // NaN and infinities are values.
  kInteger,
  kBoolean,
  kTime,
  kLabels,
};

}  // namespace alertjoin
