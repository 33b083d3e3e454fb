#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "alertjoin/v1/events.pb.h"
#include "common/event/event.h"

namespace alertjoin {

// Transitions and their bindings to and from protobuf, each for itself.
void EncodeTransition(const Transition& transition, v1::TransitionEvent* out);
void EncodeBinding(const Binding& binding, v1::Binding* out);

// The way back. No rule but those of types is checked, so that CheckEvent remains to be asked: an
// error is INVALID_ARGUMENT, reason MALFORMED_EVENT, and names the field. The bindings of `in` are
// passed over.
absl::StatusOr<Transition> DecodeTransition(const v1::TransitionEvent& in);
// `field` is the path of the binding.
absl::StatusOr<Binding> DecodeBinding(const v1::Binding& in, const std::string& field);

}  // namespace alertjoin
