#include "correlator-service/query/list_samples.h"

#include "common/status/status.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/query/series_page.h"
#include "correlator-service/query/series_selection.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 1000;
constexpr int kPageSizeMax = 10'000;
// Whose samples are read in one turn.
constexpr size_t kSeriesPerTurn = 100;

struct SeriesPart {
  std::vector<Sample> samples;
  bool whole = true;
};

// Fills one page of a listing.
class PageBuilder {
 public:
  PageBuilder(TableAccess& tables, TimeRange range, size_t samples_max, size_t bytes_max)
      : tables_(tables), range_(range), samples_left_(samples_max), bytes_left_(bytes_max) {}

  // Adds the series, the first from `first_from` on. Where it stopped because the page is full;
  // nothing when all is there.
  absl::StatusOr<std::optional<SeriesPosition>> Add(const std::vector<KnownSeries>& series,
                                                    Timestamp first_from) {
    ASSIGN_OR_RETURN(const std::vector<SeriesPart> parts, Read(series, first_from));
    for (size_t i = 0; i < parts.size(); ++i) {
      const SeriesPart& part = parts[i];
      const Timestamp from = i == 0 ? first_from : Timestamp::Min();
      if (part.samples.empty() && part.whole) continue;
      if (samples_left_ == 0 || !Encode(*series[i].key, part)) {
        return SeriesPosition{series[i].place, from};
      }
      samples_left_ -= part.samples.size();
      if (!part.whole) {
        return SeriesPosition{series[i].place, part.samples.back().time + Millis(1)};
      }
    }
    return std::nullopt;
  }

  v1::ListSamplesResponse& response() { return response_; }

 private:
  absl::StatusOr<std::vector<SeriesPart>> Read(const std::vector<KnownSeries>& series,
                                               Timestamp first_from) {
    std::vector<SeriesPart> parts(series.size());
    RETURN_IF_ERROR(tables_.Read([&](const TableReader& reader) {
      size_t room = samples_left_;
      for (size_t i = 0; i < series.size(); ++i) {
        Timestamp from = range_.from.value_or(Timestamp::Min());
        if (i == 0) from = std::max(from, first_from);
        parts[i].whole =
            reader.Samples(series[i].place)
                .Read(from, range_.to.value_or(Timestamp::Max()), room, &parts[i].samples);
        room -= parts[i].samples.size();
      }
    }));
    return parts;
  }

  // False when it no longer fits.
  bool Encode(const SeriesKey& key, const SeriesPart& part) {
    v1::SeriesSamples* const added = response_.add_series();
    EncodeSeries(key, added->mutable_series());
    for (const Sample& sample : part.samples) EncodeSample(sample, added->add_samples());
    const size_t bytes = added->ByteSizeLong();
    if (bytes > bytes_left_ && response_.series_size() > 1) {
      response_.mutable_series()->RemoveLast();
      return false;
    }
    bytes_left_ -= std::min(bytes, bytes_left_);
    return true;
  }

  TableAccess& tables_;
  const TimeRange range_;
  size_t samples_left_;
  size_t bytes_left_;
  v1::ListSamplesResponse response_;
};

}  // namespace

absl::StatusOr<v1::ListSamplesResponse> ListSamples(TableAccess& tables,
                                                    const v1::ListSamplesRequest& request,
                                                    const SeriesPageLimits& limits,
                                                    const Matchers& scope) {
  ASSIGN_OR_RETURN(SeriesSelection selection, DecodeSeriesSelector(request.series()));
  selection.scope = scope;
  ASSIGN_OR_RETURN(const TimeRange range, DecodeTimeRange(request));
  ASSIGN_OR_RETURN(const size_t page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  const uint64_t arguments =
      ArgumentHash("ListSamples " + range.ToString() + " " + selection.ToString());
  SeriesPosition position;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(position,
                     DecodeSeriesPageToken(request.page_token(), arguments, tables.run_id()));
  }
  PageBuilder page(tables, range, page_size, limits.bytes_max);
  SeriesScan scan(tables, selection, position.place);
  std::optional<SeriesPosition> next;
  while (!next && !scan.AtEnd()) {
    ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(kSeriesPerTurn));
    const bool goes_on = !found.empty() && found.front().place == position.place;
    ASSIGN_OR_RETURN(next, page.Add(found, goes_on ? position.from : Timestamp::Min()));
    if (!next && !scan.AtEnd() && scan.scanned() >= limits.series_scanned_max) {
      next = SeriesPosition{scan.next()};
    }
  }
  if (next) {
    page.response().set_next_page_token(EncodeSeriesPageToken(*next, arguments, tables.run_id()));
  }
  return std::move(page.response());
}

}  // namespace alertjoin
