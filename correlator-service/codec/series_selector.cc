#include "correlator-service/codec/series_selector.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/rows/reader_scope.h"

namespace alertjoin {

std::string SeriesSelection::ToString() const {
  return fmt::format("{}matchers={} query={} source={}", ScopeText(scope), matchers.ToString(),
                     query_name, source);
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
  if (selection.AsksForAll()) {
    return InvalidField("INVALID_SERIES_SELECTOR", field,
                        "expected a query_name, a source or a filter: ListQueries and ListSeries "
                        "show what there is");
  }
  return selection;
}

}  // namespace alertjoin
