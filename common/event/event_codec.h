#pragma once

// Events to and from protobuf: per stream (EventEncoder, EventDecoder), per stored record, and the
// parts that other messages share.

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "common/event/event_decoder.h"
#include "common/event/event_encoder.h"
#include "common/event/event_parts.h"

namespace alertjoin {

// One event as a record of an event log: self-contained. The first byte is the version of the
// format, the rest a serialised v1::Event. REQUIRES: CheckEvent(event) is OK.
std::string EncodeRecord(const Event& event);
std::string EncodeRecord(const TransitionEvent& transition);
std::string EncodeRecord(const RawPayload& payload);
// INVALID_ARGUMENT, reason MALFORMED_EVENT, for damaged bytes and broken rules;
// FAILED_PRECONDITION, reason UNKNOWN_RECORD_FORMAT, for the format of another version.
absl::StatusOr<Event> DecodeRecord(std::string_view record);

}  // namespace alertjoin
