#include "correlator-service/join/series_directory.h"

#include <algorithm>

namespace alertjoin {
namespace {

// Streams that are remembered. A producer has one at a time; each reconnection makes a new one.
constexpr size_t kStreamsMax = 64;
// A series without its labels: the object, with room for its last few samples, its key, and its
// places in the query's set, order and index and in one stream's table.
constexpr uint64_t kSeriesBytes = sizeof(SeriesState) + sizeof(SeriesKey) + 104;

}  // namespace

QueryState& SeriesDirectory::QueryOf(const Query& query) {
  auto& state = queries_[query];
  if (state == nullptr) {
    state = std::make_unique<QueryState>();
    state->query = query;
    state->no_series = MakeRowSubject(query, nullptr);
    state->ordinal = static_cast<uint32_t>(queries_in_order_.size());
    queries_in_order_.push_back(state.get());
  }
  return *state;
}

SeriesDirectory::Stream& SeriesDirectory::StreamOf(const SeriesTable& table) {
  std::unique_ptr<Stream>& stream = streams_[table.id()];
  if (stream == nullptr) {
    stream = std::make_unique<Stream>();
    stream->table = table;
  }
  Stream& result = *stream;
  result.last_used = ++uses_;
  if (streams_.size() > kStreamsMax) {
    const auto oldest = std::min_element(
        streams_.begin(), streams_.end(),
        [](const auto& a, const auto& b) { return a.second->last_used < b.second->last_used; });
    streams_.erase(oldest);
  }
  return result;
}

SeriesState* SeriesDirectory::Find(const QueryState& query, const LabelSet& labels) {
  const auto found = query.series.find(labels);
  return found == query.series.end() ? nullptr : *found;
}

size_t SeriesDirectory::SeriesCountOf(const std::string& source) const {
  const auto found = series_of_source_.find(source);
  return found == series_of_source_.end() ? 0 : found->second;
}

SeriesState* SeriesDirectory::Add(QueryState& query, std::shared_ptr<const SeriesKey> key) {
  const size_t place = series_count_ % kBlockSeries;
  if (place == 0) blocks_.push_back(std::make_unique<SeriesState[]>(kBlockSeries));
  SeriesState* const added = &blocks_.back()[place];
  added->query = &query;
  added->key = std::move(key);
  query.series.insert(added);
  added->ordinal = static_cast<uint32_t>(query.series_in_order.size());
  query.series_in_order.push_back(added);
  ++series_count_;
  ++series_of_source_[query.query.source];
  series_bytes_ += kSeriesBytes + added->key->labels.MemoryBytes();
  return added;
}

}  // namespace alertjoin
