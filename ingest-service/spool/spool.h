#pragma once

#include <chrono>
#include <functional>
#include <span>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "common/eventlog/event_log.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// What ingest-service has received and the correlator has not acknowledged yet: an EventLog, plus
// how far the acknowledgements have come. Sources append; the uplink reads, and reports
// acknowledgements, which trim the log: at once when nothing else waits, else many together, since
// a durable log syncs for it. Thread-safe. The log must outlive the spool.
class Spool {
 public:
  Spool(EventLog& log, uint64_t bytes_max);

  // Appends alerts, all or none, and gives the position of the last. RESOURCE_EXHAUSTED, reason
  // SPOOL_FULL, when they do not fit. INVALID_ARGUMENT when an event breaks a rule of events.proto
  // (reason MALFORMED_EVENT) or is larger than kEventBytesMax (EVENT_TOO_LARGE): the correlator
  // would refuse it for ever, and everything behind it would wait. A larger batch of samples is
  // stored in parts. Other errors of the log pass through. REQUIRES: not empty.
  absl::StatusOr<LogPosition> Append(std::span<const Event> events);

  // The same for what can be had again (samples and their progress): refused already when nine
  // tenths of the spool are in use, so that alerts always find room.
  absl::StatusOr<LogPosition> AppendSamples(std::span<const Event> events);

  // Waits until every event up to `through` has been acknowledged. False when the deadline has
  // passed before. What is kept does not depend on it: for an orderly end, and for tests.
  bool WaitAcknowledged(LogPosition through, std::chrono::steady_clock::time_point deadline)
      EXCLUDES_LOCK(mutex_);

  // The correlator keeps every event up to `through`. Older or repeated news are ignored. Beyond
  // what was appended: OUT_OF_RANGE, nothing changed.
  absl::Status Acknowledge(LogPosition through) EXCLUDES_LOCK(mutex_);

  // Up to `records_max` records from `from` on, as EventLog::Read.
  absl::StatusOr<EventLog::Chunk> Read(LogPosition from, size_t records_max,
                                       size_t bytes_max) const;

  const std::string& log_id() const { return log_.id(); }
  EventLog::Bounds bounds() const { return log_.bounds(); }
  // Events that are not acknowledged.
  uint64_t waiting() const { return log_.bounds().next.value() - 1 - acknowledged().value(); }
  LogPosition acknowledged() const EXCLUDES_LOCK(mutex_);

  // `listener` is called after each append, on the appending thread, without a lock held. It must
  // not block. Set it once, before the first append.
  void SetAppendListener(std::function<void()> listener) { listener_ = std::move(listener); }

 private:
  // Of acknowledged events that still stand in the log.
  static constexpr uint64_t kTrimTogether = 1024;

  absl::StatusOr<LogPosition> AppendWithin(std::span<const Event> events, uint64_t bytes_max);

  EventLog& log_;
  const uint64_t bytes_max_;
  std::function<void()> listener_;
  mutable Mutex mutex_;
  CondVar changed_;
  LogPosition acknowledged_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
