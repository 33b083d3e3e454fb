#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "alertjoin/v1/events.pb.h"
#include "common/event/binding_table.h"
#include "common/event/event.h"
#include "common/event/reference_table.h"

namespace alertjoin {

// Decodes the events of one stream and checks every rule that events.proto states: an error is
// INVALID_ARGUMENT, reason MALFORMED_EVENT, and names the field. Not thread-safe. After an error
// the decoder must not be used again. All batches of samples share one table of series, and equal
// bindings one object.
class EventDecoder {
 public:
  // A stream that defines more than `series_max` series (or as many queries) is RESOURCE_EXHAUSTED,
  // reason TOO_MANY_SERIES: the producer opens a new stream, which starts with none.
  explicit EventDecoder(size_t series_max) : series_max_(series_max) {}

  absl::StatusOr<Event> Decode(const v1::Event& event);

 private:
  absl::StatusOr<SampleBatch> DecodeSamples(const v1::SampleBatch& batch);
  absl::Status DefineQueries(const v1::SampleBatch& batch);
  absl::Status DefineSeries(const v1::SampleBatch& batch);
  absl::Status ResolveSeries(const v1::SampleBatch& in, SampleBatch& batch) const;

  const size_t series_max_;
  std::unordered_map<uint32_t, std::shared_ptr<const Query>> queries_;
  SeriesTable series_;      // Of the whole stream.
  ReferenceTable numbers_;  // Of its series.
  BindingTable bindings_;
};

}  // namespace alertjoin
