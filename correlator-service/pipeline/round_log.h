#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"
#include "common/sync/mutex.h"
#include "correlator-service/pipeline/round_codec.h"
#include "correlator-service/rows/change_signal.h"

namespace alertjoin {

struct RoundLogOptions {
  // A segment ends at this size or age, whatever comes first. The log is trimmed by segments.
  uint64_t segment_bytes = uint64_t{64} << 20;
  Millis segment_age = std::chrono::minutes(20);
  // Room in the log for rounds with events. Those without make room, and may go beyond it.
  uint64_t bytes_max = uint64_t{16} << 30;
};

// The correlator's event log: one record per round. Knows what its segments hold, so that those
// that nothing needs any more can be trimmed.
//
// Life: Replay, once, when the log is not empty; then Append by one thread, and the other methods
// by any. The log must outlive it.
class RoundLog {
 public:
  RoundLog(EventLog& log, RoundLogOptions options)
      : log_(log), options_(options), end_(log.bounds().first) {}

  // Gives every round to `visit`, in order; an error of it ends the replay. DATA_LOSS and
  // FAILED_PRECONDITION as RoundDecoder, with the record's position.
  using Visit = std::function<absl::Status(LogPosition, Round&&)>;
  absl::Status Replay(const Visit& visit);

  // Appends and syncs. The first round of a segment gets the latest horizons so far.
  // RESOURCE_EXHAUSTED, reason LOG_FULL, when the log has no room for its events; other errors of
  // the log are final.
  absl::StatusOr<LogPosition> Append(Round& round) EXCLUDES_LOCK(mutex_);

  // The segments at the begin of the log in which nothing is newer than the horizon.
  struct Trimmable {
    LogPosition before;       // They lie before this.
    Timestamp newest_sample;  // Of all their samples.
  };
  std::optional<Trimmable> FindTrimmable(Timestamp sample_horizon) const EXCLUDES_LOCK(mutex_);
  absl::Status Trim(LogPosition before) EXCLUDES_LOCK(mutex_);

  // Of every producer that a round told of, those heard of last at the end; at most
  // kProducersMax.
  std::vector<ProducerPosition> Producers() const EXCLUDES_LOCK(mutex_);

  EventLog::Bounds bounds() const { return log_.bounds(); }

  // --- For those who read along with the appending thread, who never waits for them ---

  // Identity of the log; positions of different ones are not comparable.
  const std::string& id() const { return log_.id(); }
  // Behind the newest record of which the methods below know.
  LogPosition end() const EXCLUDES_LOCK(mutex_);
  // Where the segment of the record at the position begins; nothing when the record was trimmed or
  // is not there yet.
  std::optional<LogPosition> SegmentOf(LogPosition position) const EXCLUDES_LOCK(mutex_);
  // Where a reader begins who wants every round that was taken at this time or later.
  LogPosition FirstSince(Timestamp time) const EXCLUDES_LOCK(mutex_);
  // As EventLog::Read.
  absl::StatusOr<EventLog::Chunk> Read(LogPosition from, size_t records_max,
                                       size_t bytes_max) const {
    return log_.Read(from, records_max, bytes_max);
  }
  // Raises `signal` after every append from now on. At most kSignalsMax are kept.
  void RaiseOnAppend(std::shared_ptr<ChangeSignal> signal) EXCLUDES_LOCK(mutex_);

  static constexpr size_t kSignalsMax = 16;

  static constexpr size_t kProducersMax = 1'000;

 private:
  struct Segment {
    LogPosition first;
    Timestamp first_time;
    Timestamp last_time;
    Timestamp newest_sample = Timestamp::Min();
    uint64_t bytes = 0;
  };

  // Horizons never move back, as in the engine.
  void Advance(const Round& round);
  bool NeedsSegment(Timestamp now) const EXCLUDES_LOCK(mutex_);
  // Of a round that is in the log.
  void Record(const Round& round, LogPosition position, uint64_t bytes, bool begins_segment)
      EXCLUDES_LOCK(mutex_);

  void RaiseSignals() EXCLUDES_LOCK(mutex_);

  EventLog& log_;
  const RoundLogOptions options_;

  // The appending thread only.
  RoundEncoder encoder_;
  bool has_appended_ = false;
  std::optional<Horizons> horizons_;  // Behind the newest round.

  mutable Mutex mutex_;
  std::deque<Segment> segments_ GUARDED_BY(mutex_);
  LogPosition end_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ChangeSignal>> signals_ GUARDED_BY(mutex_);
  struct Producer {
    ProducerPosition position;
    uint64_t heard = 0;
  };
  std::map<std::pair<std::string, std::string>, Producer> producers_ GUARDED_BY(mutex_);
  uint64_t heard_ GUARDED_BY(mutex_) = 0;
};

}  // namespace alertjoin
