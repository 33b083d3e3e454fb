#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "alertjoin/v1/events.pb.h"
#include "common/event/event.h"

namespace alertjoin {

// Decodes the events of one stream and checks every rule that events.proto states: an error is
// INVALID_ARGUMENT, reason MALFORMED_EVENT, and names the field. Not thread-safe. After an error
// the decoder must not be used again.
class EventDecoder {
 public:
  // A stream that defines more than `series_max` series (or as many queries) is RESOURCE_EXHAUSTED,
  // reason TOO_MANY_SERIES: the producer opens a new stream, which starts with none.
  explicit EventDecoder(size_t series_max) : series_max_(series_max) {}

  absl::StatusOr<Event> Decode(const v1::Event& event);

 private:
  struct Series {
    std::shared_ptr<const SeriesKey> key;
    // Its place in the batch with that number, so that no table is built for every batch.
    uint64_t batch_number = 0;
    uint32_t batch_index = 0;
  };

  absl::StatusOr<SampleBatch> DecodeSamples(const v1::SampleBatch& batch);
  absl::Status DefineQueries(const v1::SampleBatch& batch);
  absl::Status DefineSeries(const v1::SampleBatch& batch);

  const size_t series_max_;
  std::unordered_map<uint32_t, std::shared_ptr<const Query>> queries_;
  std::unordered_map<uint32_t, Series> series_;
  uint64_t batches_ = 0;
};

}  // namespace alertjoin
