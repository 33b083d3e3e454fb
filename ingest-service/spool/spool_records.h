#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/event/event.h"

namespace alertjoin {

// The events as records of a spool, in their order: one each, but for a batch of samples too large
// for a message, which becomes several that add up to it. INVALID_ARGUMENT when an event breaks a
// rule of events.proto (reason MALFORMED_EVENT) or is larger than kEventBytesMax
// (EVENT_TOO_LARGE): the correlator would refuse it for ever, and everything behind it would wait.
absl::StatusOr<std::vector<std::string>> EncodeSpoolRecords(std::span<const Event> events);
// The same for transitions and, behind them, what they were made of, if that is there.
absl::StatusOr<std::vector<std::string>> EncodeSpoolRecords(
    std::span<const TransitionEvent> transitions, const std::optional<RawPayload>& payload);

// Their bytes as EventLog::Bounds counts them.
uint64_t SpoolBytesOf(std::span<const std::string> records);

}  // namespace alertjoin
