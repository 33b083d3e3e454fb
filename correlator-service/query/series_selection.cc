#include "correlator-service/query/series_selection.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"

namespace alertjoin {
namespace {

// Keys copied in one turn: some tens of microseconds.
constexpr size_t kSeriesPerTurn = 2000;

}  // namespace

std::string SeriesSelection::ToString() const {
  return fmt::format("matchers={} query={} source={}", matchers.ToString(), query_name, source);
}

absl::StatusOr<SeriesSelection> DecodeSeriesSelector(const v1::SeriesSelector& selector,
                                                     const std::string& field) {
  SeriesSelection selection;
  auto matchers = ParseMatchers(selector.filter());
  if (!matchers.ok()) {
    return InvalidField("INVALID_FILTER", field + ".filter", MessageOf(matchers.status()));
  }
  selection.matchers = *std::move(matchers);
  selection.query_name = selector.query_name();
  selection.source = selector.source();
  return selection;
}

absl::StatusOr<SeriesSelection> DecodeRequiredSeriesSelector(const v1::SeriesSelector& selector,
                                                             const std::string& field) {
  ASSIGN_OR_RETURN(SeriesSelection selection, DecodeSeriesSelector(selector, field));
  if (selection.empty()) {
    return InvalidField("INVALID_SERIES_SELECTOR", field,
                        "expected a query_name, a source or a filter: ListQueries and ListSeries "
                        "show what there is");
  }
  return selection;
}

absl::StatusOr<std::vector<KnownSeries>> SeriesScan::Next(size_t series_max) {
  std::vector<KnownSeries> looked_at;
  RETURN_IF_ERROR(access_.Read([this, &looked_at](const TableReader& tables) {
    looked_at = tables.Series(next_, kSeriesPerTurn,
                              [this](const Query& query) { return selection_.Wants(query); });
  }));
  std::vector<KnownSeries> found;
  for (KnownSeries& series : looked_at) {
    if (found.size() == series_max) {
      next_ = series.place;
      return found;
    }
    ++scanned_;
    if (selection_.matchers.Matches(series.key->labels)) found.push_back(std::move(series));
  }
  at_end_ = looked_at.size() < kSeriesPerTurn;
  if (!looked_at.empty()) next_ = {looked_at.back().place.query, looked_at.back().place.series + 1};
  return found;
}

}  // namespace alertjoin
