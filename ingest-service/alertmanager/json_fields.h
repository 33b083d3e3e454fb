#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "ingest-service/alertmanager/json_document.h"

namespace alertjoin {

// Reads fields of JSON objects whose senders leave fields out, write null for nothing and add
// fields of their own. `Json` is nlohmann::json or JsonValue. `where` is the object's path in
// messages ("alerts[3]"; "" for the root). Errors are INVALID_ARGUMENT, reason WRONG_SHAPE or
// OVER_LIMIT (common/event/event_limits.h), and begin with the field's path.

// The field; nullptr when it is absent or null. REQUIRES: an object.
template <typename Json>
const Json* FindField(const Json& object, std::string_view name);

// The field's path in messages.
std::string PathOf(std::string_view where, std::string_view name);

absl::Status WrongShape(std::string_view path, std::string_view why);

// A text; "" when absent or null.
template <typename Json>
absl::StatusOr<std::string> TextField(const Json& object, std::string_view where,
                                      std::string_view name);

// A map of texts, kept byte for byte; empty when absent or null, and a null value is empty, too.
// Over limit: more than kLabelsMax entries, a name of no or more than kLabelNameBytesMax bytes, a
// value of more than `value_bytes_max`.
template <typename Json>
absl::StatusOr<LabelSet> LabelsField(const Json& object, std::string_view where,
                                     std::string_view name, size_t value_bytes_max);

}  // namespace alertjoin
