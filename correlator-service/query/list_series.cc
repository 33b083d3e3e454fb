#include "correlator-service/query/list_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/query/series_page.h"
#include "correlator-service/query/series_selection.h"
#include "correlator-service/rows/reader_scope.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;

// What is held of one series.
struct Held {
  size_t samples = 0;
  std::optional<Sample> oldest;
  std::optional<Sample> newest;
};

absl::StatusOr<std::vector<Held>> ReadHeld(TableAccess& tables,
                                           const std::vector<KnownSeries>& series) {
  std::vector<Held> held;
  RETURN_IF_ERROR(tables.Read([&](const TableReader& reader) {
    for (const KnownSeries& known : series) {
      const SampleSeries& samples = reader.Samples(known.place);
      held.push_back({samples.size(), samples.Oldest(), samples.Newest()});
    }
  }));
  return held;
}

void Describe(const KnownSeries& series, const Held& held, v1::SeriesDescription* out) {
  EncodeSeries(*series.key, out->mutable_series());
  out->set_samples(held.samples);
  if (held.oldest) *out->mutable_first_sample_time() = EncodeTime(held.oldest->time);
  if (held.newest) EncodeSample(*held.newest, out->mutable_last_sample());
}

void Describe(const KnownQuery& known, const Matchers& scope, v1::QueryDescription* out) {
  EncodeQuery(known.query, out->mutable_query());
  out->set_series(known.series);
  if (known.error != nullptr) {
    out->set_error(*ErrorInScope(scope, known.error));
    *out->mutable_error_time() = EncodeTime(*known.error_time);
  }
  if (!known.progress) return;
  EncodeProgress({known.query, known.progress->from, known.progress->through},
                 out->mutable_progress());
}

absl::StatusOr<std::vector<KnownQuery>> FindQueries(TableAccess& tables,
                                                    const SeriesSelection& selection,
                                                    std::optional<size_t> after, size_t count) {
  std::vector<KnownQuery> found;
  RETURN_IF_ERROR(tables.Read([&](const TableReader& reader) {
    found =
        reader.Queries(after, count, [&](const Query& query) { return selection.Wants(query); });
  }));
  return found;
}

// Of each of these queries, by its ordinal, how many series match: none is left out. Adds to
// `scanned` how many were looked at.
absl::StatusOr<std::map<size_t, size_t>> CountMatching(TableAccess& tables,
                                                       const SeriesSelection& selection,
                                                       const std::vector<KnownQuery>& queries,
                                                       size_t* scanned) {
  std::set<Query> among;
  size_t first = SIZE_MAX;
  for (const KnownQuery& known : queries) {
    among.insert(known.query);
    first = std::min(first, known.ordinal);
  }
  std::map<size_t, size_t> matching;
  SeriesScan scan(tables, selection, {first, 0}, &among);
  while (!scan.AtEnd()) {
    ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(SIZE_MAX));
    for (const KnownSeries& known : found) ++matching[known.place.query];
  }
  *scanned += scan.scanned();
  return matching;
}

struct VisibleQueries {
  std::vector<KnownQuery> found;
  // The last one that was looked at, when that was enough for a page; nothing at the end.
  std::optional<size_t> last;
};

// As FindQueries, of those that have a series that matches; what others have is not counted. Looks
// at no more series once they were `series_max`, but for those of a page of queries.
absl::StatusOr<VisibleQueries> FindVisibleQueries(TableAccess& tables,
                                                  const SeriesSelection& selection,
                                                  std::optional<size_t> after, size_t count,
                                                  size_t series_max) {
  VisibleQueries visible;
  for (size_t scanned = 0; visible.found.size() < count;) {
    const size_t wanted = count - visible.found.size();
    ASSIGN_OR_RETURN(std::vector<KnownQuery> next, FindQueries(tables, selection, after, wanted));
    if (next.empty()) return visible;
    after = next.back().ordinal;
    ASSIGN_OR_RETURN(const auto matching, CountMatching(tables, selection, next, &scanned));
    for (KnownQuery& query : next) {
      const auto series = matching.find(query.ordinal);
      if (series == matching.end()) continue;
      query.series = series->second;
      visible.found.push_back(std::move(query));
    }
    if (next.size() < wanted) return visible;
    if (scanned >= series_max) break;
  }
  visible.last = after;
  return visible;
}

}  // namespace

absl::StatusOr<v1::ListSeriesResponse> ListSeries(TableAccess& tables,
                                                  const v1::ListSeriesRequest& request,
                                                  const SeriesPageLimits& limits,
                                                  const Matchers& scope) {
  ASSIGN_OR_RETURN(SeriesSelection selection, DecodeSeriesSelector(request.series()));
  selection.scope = scope;
  ASSIGN_OR_RETURN(const size_t page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  const uint64_t arguments = ArgumentHash("ListSeries " + selection.ToString());
  SeriesPosition position;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(position,
                     DecodeSeriesPageToken(request.page_token(), arguments, tables.run_id()));
  }
  v1::ListSeriesResponse response;
  const auto ends_at = [&](SeriesPlace place) {
    response.set_next_page_token(EncodeSeriesPageToken({place}, arguments, tables.run_id()));
    return std::move(response);
  };
  SeriesScan scan(tables, selection, position.place);
  size_t bytes = 0;
  while (!scan.AtEnd()) {
    const size_t room = page_size - static_cast<size_t>(response.series_size());
    if (room == 0 || scan.scanned() >= limits.series_scanned_max) return ends_at(scan.next());
    ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(room));
    ASSIGN_OR_RETURN(const std::vector<Held> held, ReadHeld(tables, found));
    for (size_t i = 0; i < found.size(); ++i) {
      v1::SeriesDescription* const added = response.add_series();
      Describe(found[i], held[i], added);
      bytes += added->ByteSizeLong();
      if (bytes <= limits.bytes_max || response.series_size() == 1) continue;
      response.mutable_series()->RemoveLast();
      return ends_at(found[i].place);
    }
  }
  return response;
}

absl::StatusOr<v1::ListQueriesResponse> ListQueries(TableAccess& tables,
                                                    const v1::ListQueriesRequest& request,
                                                    const SeriesPageLimits& limits,
                                                    const Matchers& scope) {
  SeriesSelection selection;
  selection.scope = scope;
  selection.query_name = request.query_name();
  selection.source = request.source();
  ASSIGN_OR_RETURN(const size_t page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  const uint64_t arguments = ArgumentHash("ListQueries " + selection.ToString());
  std::optional<size_t> after;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const SeriesPosition position,
                     DecodeSeriesPageToken(request.page_token(), arguments, tables.run_id()));
    after = position.place.query;
  }
  VisibleQueries visible;
  if (scope.empty()) {
    ASSIGN_OR_RETURN(visible.found, FindQueries(tables, selection, after, page_size + 1));
  } else {
    ASSIGN_OR_RETURN(visible, FindVisibleQueries(tables, selection, after, page_size + 1,
                                                 limits.series_scanned_max));
  }
  const std::vector<KnownQuery>& found = visible.found;
  v1::ListQueriesResponse response;
  const auto goes_on_after = [&](size_t ordinal) {
    response.set_next_page_token(EncodeSeriesPageToken({{ordinal, 0}}, arguments, tables.run_id()));
  };
  if (visible.last.has_value()) goes_on_after(*visible.last);
  size_t bytes = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    v1::QueryDescription* const added = response.add_queries();
    Describe(found[i], scope, added);
    bytes += added->ByteSizeLong();
    if (i == 0 || (i < page_size && bytes <= limits.bytes_max)) continue;
    response.mutable_queries()->RemoveLast();
    goes_on_after(found[i - 1].ordinal);
    break;
  }
  return response;
}

}  // namespace alertjoin
