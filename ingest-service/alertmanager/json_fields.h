#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/text/labels.h"

namespace alertjoin {

// Reads fields of JSON objects whose senders leave fields out, write null for nothing and add
// fields of their own. `where` is the object's path in messages ("alerts[3]"; "" for the root).
// Errors are INVALID_ARGUMENT, reason WRONG_SHAPE or OVER_LIMIT (common/event/event_limits.h), and
// begin with the field's path.

// The field; nullptr when it is absent or null. REQUIRES: an object.
const nlohmann::json* FindField(const nlohmann::json& object, const std::string& name);

// The field's path in messages.
std::string PathOf(std::string_view where, std::string_view name);

absl::Status WrongShape(std::string_view path, std::string_view why);

// A text; "" when absent or null.
absl::StatusOr<std::string> TextField(const nlohmann::json& object, std::string_view where,
                                      const std::string& name);

// A map of texts, kept byte for byte; empty when absent or null, and a null value is empty, too.
// Over limit: more than kLabelsMax entries, a name of no or more than kLabelNameBytesMax bytes, a
// value of more than `value_bytes_max`.
absl::StatusOr<LabelSet> LabelsField(const nlohmann::json& object, std::string_view where,
                                     const std::string& name, size_t value_bytes_max);

}  // namespace alertjoin
