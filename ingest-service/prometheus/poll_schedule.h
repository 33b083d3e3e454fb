#pragma once

#include <cstdint>
#include <optional>

#include "common/time/timestamp.h"

namespace alertjoin {

// Longest wait before a failed poll is tried again.
constexpr Millis kRetryCap = std::chrono::minutes(1);

// When one query is polled: at phase, phase + interval, ... since the epoch, whatever the polls
// themselves take, and after a failure once more when told to. Pure: time is only what Step is
// given. Not thread-safe.
class PollSchedule {
 public:
  // What is to be done now.
  struct Decision {
    bool poll = false;
    // Due times that passed without a poll of their own since the last Step.
    uint64_t skipped_running = 0;  // The poll before still ran.
    uint64_t skipped_backoff = 0;  // The source, or the query, is being left alone.
    uint64_t skipped_late = 0;     // Step was not called in time.
  };

  // REQUIRES: interval > 0.
  PollSchedule(Millis interval, Millis phase, Timestamp now);

  // `blocked_until` is when the source may be asked again. When the answer is to poll, OnFinished
  // must follow before the next poll.
  Decision Step(Timestamp now, Timestamp blocked_until);

  // The poll has ended. After a failure `retry_at` is the earliest time of the next.
  void OnFinished(std::optional<Timestamp> retry_at);

  // When Step has something to do, unless a poll ends before.
  Timestamp NextDue() const;
  bool running() const { return running_; }

 private:
  void FollowClockBack(Timestamp now);

  const Millis interval_;
  const Millis phase_;
  Timestamp due_;
  std::optional<Timestamp> retry_at_;
  bool running_ = false;
};

// A phase in [0, interval) that is always the same for the same query and differs between queries,
// so that they do not all come at once.
Millis StablePhase(Millis interval, uint64_t query_hash);

}  // namespace alertjoin
