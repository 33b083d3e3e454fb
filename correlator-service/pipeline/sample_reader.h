#pragma once

#include <deque>
#include <map>
#include <memory>

#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/pipeline/sample_round.h"

namespace alertjoin {

// Reads the samples of the log at any position, for many readers at once: what one of them has had
// decoded is kept for the others, up to a limit. Nobody who appends waits for a reader.
// Thread-safe; readers of one segment take turns.
//
// Series are defined once per segment and then referred to. So the first one who reads in a segment
// reads its definitions, from its begin on; those are kept while somebody holds the segment, or it
// is among the last few that were read. Trimming takes whole segments and with them all that refers
// to them.
//
// Memory is bounded by the number of segments in which somebody reads, so by that of the readers:
// of each its definitions and kHeldRoundBytesMax of decoded rounds, of the last few kRoundBytesMax.
class SampleReader {
 public:
  // Of those that were read last.
  static constexpr size_t kSegmentsMax = 4;
  // Of the decoded rounds of one of them, and of one that is held only.
  static constexpr size_t kRoundBytesMax = 16 << 20;
  static constexpr size_t kHeldRoundBytesMax = 1 << 20;

  // One who reads holds the segment that he read in last; empty at first. Without it, readers in
  // more segments than the last few would take from each other what they have had defined, and
  // never get on. May outlive the reader.
  using Hold = std::shared_ptr<const void>;

  // The log must outlive it.
  explicit SampleReader(const RoundLog& log) : log_(log) {}

  // The round at the position; null when the definitions before it are not all read yet: ask again,
  // after others had their turn. OUT_OF_RANGE when the position was trimmed; DATA_LOSS, reason
  // LOG_DAMAGED, and others as EventLog::Read. REQUIRES: it is before log.end().
  // Then `hold` is of its segment; after an error it is empty.
  absl::StatusOr<SharedSampleRound> Read(LogPosition position, Hold& hold) EXCLUDES_LOCK(mutex_);

 private:
  struct Segment {
    explicit Segment(LogPosition first_position) : first(first_position), defined(first_position) {}

    const LogPosition first;
    Mutex mutex;
    SampleRoundDecoder decoder GUARDED_BY(mutex);
    LogPosition defined GUARDED_BY(mutex);  // Every record before it.
    bool failed GUARDED_BY(mutex) = false;
    std::map<LogPosition, SharedSampleRound> rounds GUARDED_BY(mutex);
    std::deque<LogPosition> oldest_first GUARDED_BY(mutex);  // In which they were decoded.
    size_t bytes GUARDED_BY(mutex) = 0;
  };

  std::shared_ptr<Segment> Open(LogPosition first) EXCLUDES_LOCK(mutex_);
  void Close(const std::shared_ptr<Segment>& segment) EXCLUDES_LOCK(mutex_);
  absl::StatusOr<SharedSampleRound> ReadIn(Segment& segment, LogPosition position)
      REQUIRES_LOCK(segment.mutex);
  // Reads definitions up to the position, as many as one turn may.
  absl::Status DefineBefore(Segment& segment, LogPosition position) REQUIRES_LOCK(segment.mutex);
  // Decodes the round at the position and some behind it.
  absl::Status DecodeFrom(Segment& segment, LogPosition position) REQUIRES_LOCK(segment.mutex);
  static void Keep(Segment& segment, SampleRound round) REQUIRES_LOCK(segment.mutex);
  // Drops the oldest rounds beyond so many bytes.
  static void Shrink(Segment& segment, size_t bytes_max) REQUIRES_LOCK(segment.mutex);

  const RoundLog& log_;

  Mutex mutex_;  // Never taken together with one of a segment.
  std::map<LogPosition, std::weak_ptr<Segment>> segments_ GUARDED_BY(mutex_);  // By first record.
  std::deque<std::shared_ptr<Segment>> recent_ GUARDED_BY(mutex_);  // Used last at the end.
};

// Has one reader for all who read at the same time, and none while nobody does. Thread-safe.
class SampleReaders {
 public:
  // The log must outlive it and the readers.
  explicit SampleReaders(const RoundLog& log) : log_(log) {}

  const RoundLog& log() const { return log_; }
  std::shared_ptr<SampleReader> Open() EXCLUDES_LOCK(mutex_);

 private:
  const RoundLog& log_;

  Mutex mutex_;
  std::weak_ptr<SampleReader> open_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
