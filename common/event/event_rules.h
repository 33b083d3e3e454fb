#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/event/event.h"
#include "common/event/field_path.h"
#include "common/text/utf8.h"

namespace alertjoin {

// The rules that events.proto states, checked on the plain structs. A violation is
// INVALID_ARGUMENT, reason MALFORMED_EVENT, and names the field by its path in the proto
// ("transition.bindings[0].query.name"). What breaks no rule can be encoded and is accepted by
// EventDecoder, so a producer that checks before it accepts never holds what the correlator
// refuses for ever. Strings must be valid UTF-8, since a proto3 string must.
absl::Status CheckEvent(const Event& event);
absl::Status CheckEvent(const TransitionEvent& transition);
absl::Status CheckEvent(const RawPayload& payload);

// Parts of it; `field` is the path that a violation names.
absl::Status CheckQuery(const Query& query, const FieldPath& field);
absl::Status CheckLabels(const LabelSet& labels, const FieldPath& field);

// The error of a violation.
absl::Status MalformedEvent(const FieldPath& field, const std::string& why);

}  // namespace alertjoin
