#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "alertjoin/v1/events.pb.h"
#include "common/event/event.h"
#include "common/event/gradual_map.h"

namespace alertjoin {

// Encodes the events of one stream: each query and series is defined in the first batch that uses
// it and referred to from then on. Not thread-safe. One encoder per stream; a new one makes its
// first event self-contained. Memory grows with the number of different series, not of events.
// Batches that share a table of series are encoded without looking at the labels again.
class EventEncoder {
 public:
  // Fills `out`, which must be empty. REQUIRES: CheckEvent(event) is OK.
  void Encode(const Event& event, v1::Event* out);

  // Fills in all of `out`, which must be empty, but the columns, and gives the references of the
  // batch's series by their numbers. Valid until the next call.
  std::span<const uint32_t> EncodeDefinitions(const SampleBatch& batch, v1::SampleBatch* out);

  size_t series_count() const { return refs_by_content_.size(); }

 private:
  using Refs = std::vector<uint32_t>;
  struct LabelledQuery {
    LabelledQuery(uint32_t its_query_ref, std::shared_ptr<const SeriesKey> its_series);

    size_t hash;  // Of all: a table that grows does not ask the labels.
    uint32_t query_ref;
    std::shared_ptr<const SeriesKey> series;
    friend bool operator==(const LabelledQuery& a, const LabelledQuery& b) {
      return a.hash == b.hash && a.query_ref == b.query_ref && a.series->labels == b.series->labels;
    }
  };
  struct LabelledQueryHash {
    size_t operator()(const LabelledQuery& key) const { return key.hash; }
  };
  // The references of a table's series, by their numbers there.
  struct KnownTable {
    SeriesTable table;  // Held, so that no other takes its id.
    Refs refs;
  };

  void EncodeSamples(const SampleBatch& batch, v1::SampleBatch* out);
  uint32_t QueryRef(const Query& query, v1::SampleBatch* out);
  uint32_t SeriesRef(const std::shared_ptr<const SeriesKey>& series, v1::SampleBatch* out);
  Refs& RefsOf(const SeriesTable& table);

  std::map<Query, uint32_t> query_refs_;
  // A table of a million that grew at once would keep everybody waiting.
  GradualMap<LabelledQuery, uint32_t, LabelledQueryHash> refs_by_content_;
  std::unordered_map<const void*, KnownTable> tables_;
};

}  // namespace alertjoin
