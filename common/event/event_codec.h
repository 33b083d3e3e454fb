#pragma once

// Events to and from protobuf: per stream (EventEncoder, EventDecoder), per stored record, and the
// parts that other messages share.

#include <optional>
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

// The serialised v1::Event of a record as it stands, which is what EncodeRecord of every event but
// samples gives to any stream; nothing for samples, which are written anew for each stream, by its
// EventEncoder. Refuses as DecodeRecord does what is of another format or was cut off; it does not
// look at what the event holds. Valid as long as the record.
absl::StatusOr<std::optional<std::string_view>> EventOfAnyStream(std::string_view record);

}  // namespace alertjoin
