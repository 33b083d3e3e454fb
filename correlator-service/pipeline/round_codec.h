#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/event/event_codec.h"
#include "correlator-service/pipeline/round.h"

namespace alertjoin {

// Rounds as records of an event log, and back. Records come in segments: queries and series are
// defined in the first record of a segment that uses them, and referred to in those behind it.
// Neither class is thread-safe.
class RoundEncoder {
 public:
  // The next record begins a segment. So does the first one.
  void BeginSegment() { encoder_.reset(); }

  // REQUIRES: every event is sound (CheckEvent).
  std::string Encode(const Round& round);

 private:
  std::unique_ptr<EventEncoder> encoder_;  // Of the segment; null when the next record begins one.
};

class RoundDecoder {
 public:
  // DATA_LOSS for damaged bytes; FAILED_PRECONDITION, reason LOG_FORMAT_UNKNOWN, for the format of
  // another version. REQUIRES: records come in the order of the log, the first one begins a
  // segment.
  absl::StatusOr<Round> Decode(std::string_view record);

  // Whether the record that was decoded last began a segment.
  bool begins_segment() const { return begins_segment_; }

 private:
  std::unique_ptr<EventDecoder> decoder_;
  bool begins_segment_ = false;
};

// The greatest time of a sample of the round; Timestamp::Min() when it has none.
Timestamp NewestSampleTime(const Round& round);

}  // namespace alertjoin
