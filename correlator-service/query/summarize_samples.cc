#include "correlator-service/query/summarize_samples.h"

#include <fmt/format.h>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/query/sample_statistics.h"
#include "correlator-service/query/series_page.h"
#include "correlator-service/query/series_selection.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
constexpr Millis kRangeDefault = std::chrono::hours(1);
constexpr int64_t kStepsMax = 11'000;
constexpr double kEmaAlphaDefault = 0.1;
// Copied in one turn of the writer.
constexpr size_t kSamplesPerTurn = 10'000;

struct Arguments {
  SeriesSelection selection;
  Timestamp from;
  Timestamp to;
  std::optional<Millis> step;
  double ema_alpha = kEmaAlphaDefault;
  size_t page_size = 0;
  uint64_t hash = 0;
};

absl::StatusOr<std::optional<Millis>> DecodeStep(const v1::SummarizeSamplesRequest& request,
                                                 Millis range) {
  if (!request.has_step()) return std::nullopt;
  constexpr Millis kLeast = std::chrono::seconds(1);
  const auto step = DecodeSpan(request.step());
  if (!step.ok()) return InvalidField("INVALID_STEP", "step", MessageOf(step.status()));
  if (*step < kLeast || (range - Millis(1)) / *step >= kStepsMax) {
    return InvalidField(
        "INVALID_STEP", "step",
        fmt::format("expected at least 1s, and at most {} steps from `from` to `to`", kStepsMax));
  }
  return *step;
}

absl::StatusOr<Arguments> DecodeRequest(const v1::SummarizeSamplesRequest& request, Timestamp now,
                                        const Matchers& scope) {
  Arguments arguments;
  ASSIGN_OR_RETURN(arguments.selection, DecodeRequiredSeriesSelector(request.series()));
  arguments.selection.scope = scope;
  ASSIGN_OR_RETURN(const TimeRange range, DecodeTimeRange(request));
  arguments.to = range.to.value_or(now);
  arguments.from =
      range.from.value_or(std::max(arguments.to, Timestamp::Min() + kRangeDefault) - kRangeDefault);
  if (arguments.from > arguments.to) {
    return InvalidField("INVALID_TIME_RANGE", "from", "expected a time that is past");
  }
  ASSIGN_OR_RETURN(arguments.step, DecodeStep(request, arguments.to - arguments.from));
  if (request.has_ema_alpha()) arguments.ema_alpha = request.ema_alpha();
  if (!(arguments.ema_alpha > 0 && arguments.ema_alpha <= 1)) {
    return InvalidField("INVALID_EMA_ALPHA", "ema_alpha", "expected a number above 0, at most 1");
  }
  ASSIGN_OR_RETURN(arguments.page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  arguments.hash =
      ArgumentHash(fmt::format("SummarizeSamples {} step={} alpha={} {}", range.ToString(),
                               arguments.step ? arguments.step->count() : 0, arguments.ema_alpha,
                               arguments.selection.ToString()));
  return arguments;
}

absl::StatusOr<SampleSummarizer> Summarize(TableAccess& tables, SeriesPlace place,
                                           const Arguments& arguments) {
  SampleSummarizer summarizer(arguments.from, arguments.to, arguments.step, arguments.ema_alpha);
  Timestamp from = arguments.from;
  for (bool end = false; !end;) {
    std::vector<Sample> samples;
    RETURN_IF_ERROR(tables.Read([&](const TableReader& reader) {
      end = reader.Samples(place).Read(from, arguments.to, kSamplesPerTurn, &samples);
    }));
    summarizer.Add(samples);
    if (!samples.empty()) from = samples.back().time + Millis(1);
  }
  return summarizer;
}

void Encode(const SampleStatistics& statistics, v1::SampleStatistics* out) {
  *out->mutable_start() = EncodeTime(statistics.start);
  *out->mutable_end() = EncodeTime(statistics.end);
  out->set_count(statistics.count);
  out->set_nan_count(statistics.nan_count);
  if (statistics.count == 0) return;
  out->set_min(statistics.min);
  out->set_max(statistics.max);
  out->set_mean(statistics.sum / static_cast<double>(statistics.count));
  out->set_last(statistics.last);
  *out->mutable_last_time() = EncodeTime(statistics.last_time);
  out->set_ema(statistics.ema);
}

// The token of a page that begins at the series. It carries where the range ends, since `now` does
// not stand still.
std::string TokenOf(SeriesPlace place, const Arguments& arguments, uint64_t run_id) {
  return EncodeSeriesPageToken({place, arguments.to}, arguments.hash, run_id);
}

}  // namespace

absl::StatusOr<v1::SummarizeSamplesResponse> SummarizeSamples(
    TableAccess& tables, const v1::SummarizeSamplesRequest& request, Timestamp now,
    const SeriesPageLimits& limits, const Matchers& scope) {
  ASSIGN_OR_RETURN(Arguments arguments, DecodeRequest(request, now, scope));
  SeriesPosition position;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(position,
                     DecodeSeriesPageToken(request.page_token(), arguments.hash, tables.run_id()));
    ASSIGN_OR_RETURN(arguments, DecodeRequest(request, position.from, scope));
  }
  v1::SummarizeSamplesResponse response;
  *response.mutable_from() = EncodeTime(arguments.from);
  *response.mutable_to() = EncodeTime(arguments.to);
  const auto ends_at = [&](SeriesPlace place) {
    response.set_next_page_token(TokenOf(place, arguments, tables.run_id()));
    return std::move(response);
  };
  SeriesScan scan(tables, arguments.selection, position.place);
  size_t bytes = 0;
  while (!scan.AtEnd()) {
    const size_t room = arguments.page_size - static_cast<size_t>(response.summaries_size());
    if (room == 0 || scan.scanned() >= limits.series_scanned_max) return ends_at(scan.next());
    ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(room));
    for (const KnownSeries& series : found) {
      ASSIGN_OR_RETURN(const SampleSummarizer summarizer,
                       Summarize(tables, series.place, arguments));
      v1::SampleSummary* const added = response.add_summaries();
      EncodeSeries(*series.key, added->mutable_series());
      for (const SampleStatistics& statistics : summarizer.statistics()) {
        Encode(statistics, added->add_statistics());
      }
      bytes += added->ByteSizeLong();
      if (bytes <= limits.bytes_max || response.summaries_size() == 1) continue;
      response.mutable_summaries()->RemoveLast();
      return ends_at(series.place);
    }
  }
  return response;
}

}  // namespace alertjoin
