#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "alertjoin/storage/v1/log_record.pb.h"
#include "common/event/event_codec.h"
#include "common/eventlog/event_log.h"

namespace alertjoin {

// What one record of the event log tells a reader of samples. What is carried over is left out: it
// was told before. Immutable once it is shared.
struct SampleRound {
  LogPosition position;
  Timestamp time;  // When it was taken.
  // In order. Batches of one segment share a table of series.
  std::vector<SampleBatch> batches;
  std::vector<Gap> gaps;
  size_t samples = 0;  // Of all batches.
  size_t bytes = 0;    // About what it takes in memory, without the table of series.
};
using SharedSampleRound = std::shared_ptr<const SampleRound>;

// Reads the samples of one segment of the log, at any record of it whose definitions are known.
// Errors are those of ParseLogRecord; after one it must not be used again. Not thread-safe.
class SampleRoundDecoder {
 public:
  SampleRoundDecoder() : decoder_(std::numeric_limits<size_t>::max()) {}

  // Learns what the record defines, and nothing else. REQUIRES: every record of the segment that is
  // before it is known; it is not.
  absl::Status Define(std::string_view record);
  // Reads the record, and learns what it defines unless it is known. REQUIRES: every record of the
  // segment that is before it is known.
  absl::StatusOr<SampleRound> Decode(LogPosition position, std::string_view record, bool is_known);

 private:
  absl::Status DefineOne(v1::Event* event);
  absl::Status DecodeOne(v1::Event* event, bool is_known, SampleRound* round);

  EventDecoder decoder_;
};

}  // namespace alertjoin
