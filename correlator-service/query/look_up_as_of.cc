#include "correlator-service/query/look_up_as_of.h"

#include <fmt/format.h>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/join/as_of.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/query/series_page.h"
#include "correlator-service/query/series_selection.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
constexpr Millis kToleranceMost = std::chrono::hours(24 * 3650);

struct Answer {
  Match match;
  bool final = false;
};

// The question as a binding: the look-up knows no other rules than the join.
absl::StatusOr<Binding> DecodeBinding(const v1::LookUpAsOfRequest& request) {
  Binding binding;
  ASSIGN_OR_RETURN(
      binding.tolerance,
      DecodeSpanField(request.has_tolerance() ? &request.tolerance() : nullptr, "tolerance",
                      "INVALID_TOLERANCE", kDefaultTolerance, Millis(0), kToleranceMost));
  binding.strict = request.strict();
  binding.first_after = request.first_after();
  return binding;
}

absl::StatusOr<Timestamp> DecodeMoment(const v1::LookUpAsOfRequest& request, Timestamp now) {
  if (!request.has_time()) return now;
  const auto time = DecodeTime(request.time());
  if (!time.ok()) return InvalidField("INVALID_TIME", "time", MessageOf(time.status()));
  return time;
}

absl::StatusOr<std::vector<Answer>> Answers(TableAccess& tables,
                                            const std::vector<KnownSeries>& series, Timestamp time,
                                            Binding binding) {
  std::vector<Answer> answers;
  RETURN_IF_ERROR(tables.Read([&](const TableReader& reader) {
    for (const KnownSeries& known : series) {
      binding.query.time_kind = known.key->query->time_kind;
      Answer answer{MatchAsOf(reader.Samples(known.place), time, binding), false};
      answer.final =
          reader.CoverageOf(known.place).Contains(DecisiveInterval(answer.match, time, binding));
      answers.push_back(std::move(answer));
    }
  }));
  return answers;
}

}  // namespace

absl::StatusOr<v1::LookUpAsOfResponse> LookUpAsOf(TableAccess& tables,
                                                  const v1::LookUpAsOfRequest& request,
                                                  Timestamp now, const SeriesPageLimits& limits,
                                                  const Matchers& scope) {
  ASSIGN_OR_RETURN(SeriesSelection selection, DecodeRequiredSeriesSelector(request.series()));
  selection.scope = scope;
  ASSIGN_OR_RETURN(const Binding binding, DecodeBinding(request));
  ASSIGN_OR_RETURN(Timestamp time, DecodeMoment(request, now));
  ASSIGN_OR_RETURN(const size_t page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  const uint64_t arguments = ArgumentHash(fmt::format(
      "LookUpAsOf time={} tolerance={} strict={} first_after={} {}",
      request.has_time() ? fmt::to_string(time.millis()) : "now", binding.tolerance.count(),
      binding.strict, binding.first_after, selection.ToString()));
  SeriesPosition position;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(position,
                     DecodeSeriesPageToken(request.page_token(), arguments, tables.run_id()));
    // All pages answer for the moment of the first.
    time = position.from;
  }
  v1::LookUpAsOfResponse response;
  *response.mutable_time() = EncodeTime(time);
  const auto ends_at = [&](SeriesPlace place) {
    response.set_next_page_token(EncodeSeriesPageToken({place, time}, arguments, tables.run_id()));
    return std::move(response);
  };
  SeriesScan scan(tables, selection, position.place);
  size_t bytes = 0;
  while (!scan.AtEnd()) {
    const size_t room = page_size - static_cast<size_t>(response.results_size());
    if (room == 0 || scan.scanned() >= limits.series_scanned_max) return ends_at(scan.next());
    ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(room));
    ASSIGN_OR_RETURN(const std::vector<Answer> answers, Answers(tables, found, time, binding));
    for (size_t i = 0; i < found.size(); ++i) {
      v1::AsOfResult* const added = response.add_results();
      EncodeSeries(*found[i].key, added->mutable_series());
      EncodeMatch(answers[i].match, time, added->mutable_match());
      added->set_final(answers[i].final);
      bytes += added->ByteSizeLong();
      if (bytes <= limits.bytes_max || response.results_size() == 1) continue;
      response.mutable_results()->RemoveLast();
      return ends_at(found[i].place);
    }
  }
  return response;
}

}  // namespace alertjoin
