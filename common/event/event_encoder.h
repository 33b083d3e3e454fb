#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>

#include "alertjoin/v1/events.pb.h"
#include "common/event/event.h"

namespace alertjoin {

// Encodes the events of one stream: each query and series is defined in the first batch that uses
// it and referred to from then on. Not thread-safe. One encoder per stream; a new one makes its
// first event self-contained. Memory grows with the number of different series, not of events.
class EventEncoder {
 public:
  // Fills `out`, which must be empty. REQUIRES: CheckEvent(event) is OK.
  void Encode(const Event& event, v1::Event* out);

  size_t series_count() const { return refs_by_content_.size(); }

 private:
  struct LabelledQuery {
    uint32_t query_ref;
    LabelSet labels;
    friend bool operator==(const LabelledQuery&, const LabelledQuery&) = default;
  };
  struct LabelledQueryHash {
    size_t operator()(const LabelledQuery& key) const;
  };

  void EncodeSamples(const SampleBatch& batch, v1::SampleBatch* out);
  uint32_t QueryRef(const Query& query, v1::SampleBatch* out);
  uint32_t SeriesRef(const SeriesKey& series, v1::SampleBatch* out);

  std::map<Query, uint32_t> query_refs_;
  std::unordered_map<LabelledQuery, uint32_t, LabelledQueryHash> refs_by_content_;
};

}  // namespace alertjoin
