#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "correlator-service/join/engine_state.h"

namespace alertjoin {

// The queries and series of one engine. Not thread-safe.
class SeriesDirectory {
 public:
  using Queries = std::map<Query, std::unique_ptr<QueryState>>;

  // What is known of the series of one stream of batches, by their numbers there.
  struct Stream {
    SeriesTable table;
    std::vector<SeriesState*> states;  // Null: not looked up yet, or refused.
    uint64_t last_used = 0;
  };

  QueryState& QueryOf(const Query& query);
  const Queries& queries() const { return queries_; }
  // In the order in which they became known.
  const std::vector<QueryState*>& queries_in_order() const { return queries_in_order_; }

  // The stream that has this table, remembered or new. Valid until the next call.
  Stream& StreamOf(const SeriesTable& table);

  // Null when the series is not known.
  static SeriesState* Find(const QueryState& query, const LabelSet& labels);
  // REQUIRES: the series is not known. Its index entry is left to the caller.
  SeriesState* Add(QueryState& query, std::shared_ptr<const SeriesKey> key);

  size_t series_count() const { return series_count_; }
  // Of the queries of one metrics source.
  size_t SeriesCountOf(const std::string& source) const;
  // Memory of the series, with their last few samples, without the others and without their rows.
  uint64_t series_bytes() const { return series_bytes_; }

 private:
  static constexpr size_t kBlockSeries = 64;

  Queries queries_;
  std::vector<QueryState*> queries_in_order_;
  absl::flat_hash_map<const void*, std::unique_ptr<Stream>> streams_;
  uint64_t uses_ = 0;
  // All series as they became known: those of one poll beside each other, and so are their next
  // samples. None ever goes.
  std::vector<std::unique_ptr<SeriesState[]>> blocks_;
  size_t series_count_ = 0;
  absl::flat_hash_map<std::string, size_t> series_of_source_;
  uint64_t series_bytes_ = 0;
};

}  // namespace alertjoin
