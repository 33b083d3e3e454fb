#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/event/event.h"
#include "common/text/utf8.h"

namespace alertjoin {

// The rules that events.proto states, checked on the plain structs. A violation is
// INVALID_ARGUMENT, reason MALFORMED_EVENT, and names the field by its path in the proto
// ("transition.bindings[0].query.name"). What breaks no rule can be encoded and is accepted by
// EventDecoder, so a producer that checks before it accepts never holds what the correlator
// refuses for ever. Strings must be valid UTF-8, since a proto3 string must.
absl::Status CheckEvent(const Event& event);

// Parts of it; `field` is the path that a violation names.
absl::Status CheckQuery(const Query& query, const std::string& field);
absl::Status CheckLabels(const LabelSet& labels, const std::string& field);

// The error of a violation.
absl::Status MalformedEvent(std::string_view field, const std::string& why);

}  // namespace alertjoin
