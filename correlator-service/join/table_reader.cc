#include "correlator-service/join/table_reader.h"

#include <iterator>

#include "common/status/status.h"

namespace alertjoin {

std::vector<KnownSeries> TableReader::Series(
    SeriesPlace from, size_t series_max, const std::function<bool(const Query&)>& wanted) const {
  std::vector<KnownSeries> found;
  const auto& queries = engine_.directory_.queries_in_order();
  for (SeriesPlace at = from; at.query < queries.size(); at = {at.query + 1, 0}) {
    const QueryState& query = *queries[at.query];
    if (at.series >= query.series_in_order.size() || !wanted(query.query)) continue;
    for (; at.series < query.series_in_order.size(); ++at.series) {
      if (found.size() == series_max) return found;
      found.push_back({at, query.series_in_order[at.series]->key});
    }
  }
  return found;
}

std::vector<KnownQuery> TableReader::Queries(
    std::optional<size_t> after, size_t queries_max,
    const std::function<bool(const Query&)>& wanted) const {
  std::vector<KnownQuery> found;
  const SeriesDirectory::Queries& queries = engine_.directory_.queries();
  const auto& in_order = engine_.directory_.queries_in_order();
  if (after && *after >= in_order.size()) return found;
  auto at = after ? queries.upper_bound(in_order[*after]->query) : queries.begin();
  for (; at != queries.end() && found.size() < queries_max; ++at) {
    const QueryState& state = *at->second;
    if (!wanted(state.query)) continue;
    KnownQuery known;
    known.ordinal = state.ordinal;
    known.query = state.query;
    known.series = state.series.size();
    if (!state.coverage.empty()) known.progress = state.coverage.Newest();
    if (state.fault.text != nullptr) {
      known.error = state.fault.text;
      known.error_time = state.fault.time;
    }
    found.push_back(std::move(known));
  }
  return found;
}

const SampleSeries& TableReader::Samples(SeriesPlace place) const {
  const auto& queries = engine_.directory_.queries_in_order();
  CHECK(place.query < queries.size());
  CHECK(place.series < queries[place.query]->series_in_order.size());
  return queries[place.query]->series_in_order[place.series]->samples;
}

const Coverage& TableReader::CoverageOf(SeriesPlace place) const {
  CHECK(place.query < engine_.directory_.queries_in_order().size());
  return engine_.directory_.queries_in_order()[place.query]->coverage;
}

std::optional<SeriesPlace> TableReader::Find(const Query& query, const LabelSet& labels) const {
  const SeriesDirectory::Queries& queries = engine_.directory_.queries();
  const auto found = queries.find(query);
  if (found == queries.end()) return std::nullopt;
  const SeriesState* const series = SeriesDirectory::Find(*found->second, labels);
  if (series == nullptr) return std::nullopt;
  return SeriesPlace{found->second->ordinal, series->ordinal};
}

}  // namespace alertjoin
