#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "common/eventlog/event_log.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace alertjoin {

struct SpoolMetrics;

// What ingest-service has received and the correlator has not acknowledged yet: an EventLog, plus
// how far the acknowledgements have come. Sources append; the uplink reads, and reports
// acknowledgements, which trim the log: at once when nothing else waits, else many together, since
// a durable log syncs for it. Nothing is dropped but by DropBefore. Thread-safe. The log and the
// metrics must outlive the spool.
//
// What the correlator is told of a spool (v1::Hello) is here as well, kept with the log: the id
// under which it is sent, and the epoch of the process that sends.
class Spool {
 public:
  // How long events stay although they are acknowledged, as long as there is room: for those who
  // have yet to do something about them and start again. About; a sixteenth less at worst.
  struct Hold {
    Millis time{0};
    const Clock* clock = &SystemClock();
  };

  // Takes events up to `bytes_max`, as EventLog::Bounds counts them. `metrics` shows how full it
  // is; null: nobody is told.
  Spool(EventLog& log, uint64_t bytes_max, SpoolMetrics* metrics = nullptr)
      : Spool(log, bytes_max, metrics, Hold()) {}
  Spool(EventLog& log, uint64_t bytes_max, SpoolMetrics* metrics, Hold hold);

  // Whether as many as these would fit now: OK, or the error of AppendRecords.
  absl::Status CheckRoom(std::span<const std::string> records);

  // Appends events, all or none, and gives the position of the last. RESOURCE_EXHAUSTED, reason
  // SPOOL_FULL, when they do not fit. Errors of EncodeSpoolRecords and others of the log pass
  // through. REQUIRES: not empty.
  absl::StatusOr<LogPosition> Append(std::span<const Event> events);
  // The same for what EncodeSpoolRecords made.
  absl::StatusOr<LogPosition> AppendRecords(std::span<const std::string> records);
  // The same with no bound but the log's own.
  absl::StatusOr<LogPosition> AppendRecordsOverLimit(std::span<const std::string> records);

  // Waits until every event up to `through` has been acknowledged. False when the deadline has
  // passed before. What is kept does not depend on it: for an orderly end, and for tests.
  bool WaitAcknowledged(LogPosition through, std::chrono::steady_clock::time_point deadline)
      EXCLUDES_LOCK(mutex_);

  // The correlator keeps every event up to `through`. Older or repeated news are ignored, and news
  // of what has been dropped meanwhile do no harm. Beyond what was appended: OUT_OF_RANGE, nothing
  // changed.
  absl::Status Acknowledge(LogPosition through) EXCLUDES_LOCK(mutex_);

  // Forgets the events before `before`, acknowledged or not. Errors as EventLog::Trim.
  absl::Status DropBefore(LogPosition before);

  // Up to `records_max` records from `from` on, as EventLog::Read: OUT_OF_RANGE when `from` has
  // been acknowledged or dropped.
  absl::StatusOr<EventLog::Chunk> Read(LogPosition from, size_t records_max,
                                       size_t bytes_max) const;

  // That of the log, until Rename.
  std::string log_id() const EXCLUDES_LOCK(mutex_);
  // Gives the spool a new log id, durably: for one whose id stands for other events where they were
  // sent. What is there keeps its positions. Errors as EventLog::SetNote; it has the old id then.
  absl::Status Rename() EXCLUDES_LOCK(mutex_);

  // Begins the epoch of this process, durably, unless it has begun: later than that of any process
  // which had this log before, wherever the clock stands. Errors as EventLog::SetNote.
  absl::Status BeginEpoch(Timestamp now) EXCLUDES_LOCK(mutex_);
  // 0 before it has begun.
  uint64_t epoch() const EXCLUDES_LOCK(mutex_);
  // The position behind the last event that earlier processes left.
  LogPosition start() const { return start_; }

  uint64_t bytes_max() const { return bytes_max_; }
  EventLog::Bounds bounds() const { return log_.bounds(); }
  // Events that are there and not acknowledged.
  uint64_t waiting() const EXCLUDES_LOCK(mutex_);
  // The last event acknowledged; that of the log's begin when none has been since the start.
  LogPosition acknowledged() const EXCLUDES_LOCK(mutex_);

  // `listener` is called after each append, on the appending thread, without a lock held. It must
  // not block. Set it once, before the first append.
  void SetAppendListener(std::function<void()> listener) { listener_ = std::move(listener); }

 private:
  // Of acknowledged events that still stand in the log.
  static constexpr uint64_t kTrimTogether = 1024;

  // Of events that were appended at about the same time, the one behind them.
  struct Mark {
    Clock::Steady time;
    LogPosition next;
  };

  absl::Status Trim(LogPosition before);
  void MarkAppended(LogPosition next) EXCLUDES_LOCK(mutex_);
  // Those before it need not stay for their age.
  LogPosition HeldFrom() EXCLUDES_LOCK(mutex_);
  void PublishMetrics() EXCLUDES_LOCK(publish_mutex_);

  EventLog& log_;
  const uint64_t bytes_max_;
  SpoolMetrics* const metrics_;
  const Hold hold_;
  const LogPosition start_;
  std::function<void()> listener_;
  mutable Mutex mutex_;
  CondVar changed_;
  LogPosition acknowledged_ GUARDED_BY(mutex_);
  std::string log_id_ GUARDED_BY(mutex_);
  uint64_t epoch_ GUARDED_BY(mutex_) = 0;
  std::deque<Mark> marks_ GUARDED_BY(mutex_);  // By time. Empty without a hold.
  LogPosition held_from_ GUARDED_BY(mutex_);
  // Held while the metrics are set, so that the last to set them has seen the newest state. Before
  // mutex_.
  Mutex publish_mutex_;
};

}  // namespace alertjoin
