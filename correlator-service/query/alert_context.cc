#include "correlator-service/query/alert_context.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/query/series_selection.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr Millis kWindowDefault = std::chrono::minutes(10);
constexpr Millis kWindowMost = std::chrono::hours(24);
constexpr int kSamplesDefault = 5000;
constexpr int kSamplesMax = 10'000;
constexpr int kAlsoMax = 10;
// Of one context, all in all.
constexpr size_t kSeriesMax = 100;
// Below the 4 MiB that gRPC clients accept by default.
constexpr size_t kBytesMax = 3 << 20;
// Read under one lock of the store.
constexpr size_t kRowsPerRead = 1000;

struct Context {
  SharedRow row;
  Timestamp from;
  Timestamp to;  // Exclusive.
  size_t samples_max = 0;
  std::vector<SeriesSelection> also;
  RowFilter visible;
};

absl::StatusOr<RowId> DecodeRowId(const std::string& text) {
  const auto id = RowIdFromHex(text);
  if (!id) {
    return InvalidField("INVALID_ROW_ID", "row_id",
                        "expected the row_id of a joined row, as ListJoinedRows gives it");
  }
  return *id;
}

absl::StatusOr<Context> DecodeRequest(const RowStore& store,
                                      const v1::GetAlertContextRequest& request,
                                      const Matchers& scope) {
  Context context;
  ASSIGN_OR_RETURN(const RowId id, DecodeRowId(request.row_id()));
  ASSIGN_OR_RETURN(
      const Millis before,
      DecodeSpanField(request.has_before() ? &request.before() : nullptr, "before",
                      "INVALID_CONTEXT_WINDOW", kWindowDefault, Millis(0), kWindowMost));
  ASSIGN_OR_RETURN(
      const Millis after,
      DecodeSpanField(request.has_after() ? &request.after() : nullptr, "after",
                      "INVALID_CONTEXT_WINDOW", kWindowDefault, Millis(0), kWindowMost));
  ASSIGN_OR_RETURN(context.samples_max, DecodePageSize(request.samples_max(), kSamplesDefault,
                                                       kSamplesMax, "samples_max"));
  if (request.also_size() > kAlsoMax) {
    return InvalidField(
        "INVALID_SERIES_SELECTOR", "also",
        fmt::format("expected at most {}, found {}", kAlsoMax, request.also_size()));
  }
  for (int i = 0; i < request.also_size(); ++i) {
    ASSIGN_OR_RETURN(SeriesSelection selection,
                     DecodeRequiredSeriesSelector(request.also(i), fmt::format("also[{}]", i)));
    selection.scope = scope;
    context.also.push_back(std::move(selection));
  }
  context.row = store.Find(id);
  context.visible.scope = scope;
  if (context.row == nullptr || !context.visible.Matches(*context.row)) {
    return MakeError("ROW_NOT_FOUND",
                     "there is no joined row of this id, or retention has removed it");
  }
  const Timestamp time = context.row->transition->event_time();
  context.from = std::max(Timestamp::Min() + before, time) - before;
  context.to = std::min(Timestamp::Max() - after - Millis(1), time) + after + Millis(1);
  return context;
}

// The series to show, in order, each once.
struct SeriesList {
  std::vector<std::shared_ptr<const SeriesKey>> series;
  bool whole = true;  // There were no more.
};

bool SameSeries(const SeriesKey& a, const SeriesKey& b) {
  return *a.query == *b.query && a.labels == b.labels;
}

void AddOnce(std::shared_ptr<const SeriesKey> series, SeriesList& list) {
  if (series == nullptr) return;
  for (const auto& known : list.series) {
    if (SameSeries(*known, *series)) return;
  }
  if (list.series.size() >= kSeriesMax) {
    list.whole = false;
  } else {
    list.series.push_back(std::move(series));
  }
}

// Whether they are rows of one transition and query.
bool AreSiblings(const JoinedRow& a, const JoinedRow& b) {
  return a.binding != nullptr && b.binding != nullptr && a.binding->query == b.binding->query &&
         a.transition->source == b.transition->source &&
         a.transition->fingerprint == b.transition->fingerprint &&
         a.transition->state == b.transition->state;
}

// Adds those of the transition's rows of the same query. Any number of alerts may have changed in
// the same moment.
absl::Status AddSiblings(const RowStore& store, const Context& context,
                         const StillWanted& still_wanted, SeriesList& list) {
  const JoinedRow& row = *context.row;
  const Timestamp time = row.transition->event_time();
  RowRange moment{std::nullopt, time, time + Millis(1)};
  for (bool end = row.binding == nullptr; !end && list.whole;) {
    RETURN_IF_ERROR(still_wanted());
    const RowPage page = store.ReadRows(moment, kRowsPerRead);
    for (const SharedRow& other : page.rows) {
      const bool shown = AreSiblings(row, *other) && context.visible.Matches(*other);
      if (shown) AddOnce(other->match.series, list);
    }
    if (!page.rows.empty()) moment.after = PositionOf(*page.rows.back());
    end = page.end;
  }
  return absl::OkStatus();
}

// The row's own, those of its transition's other rows of the same query, and what was asked for.
absl::StatusOr<SeriesList> SeriesOf(TableAccess& tables, const RowStore& store,
                                    const Context& context, const StillWanted& still_wanted) {
  SeriesList list;
  AddOnce(context.row->match.series, list);
  RETURN_IF_ERROR(AddSiblings(store, context, still_wanted, list));
  for (const SeriesSelection& selection : context.also) {
    SeriesScan scan(tables, selection, {});
    while (!scan.AtEnd() && list.whole) {
      ASSIGN_OR_RETURN(const std::vector<KnownSeries> found, scan.Next(kSeriesMax));
      for (const KnownSeries& known : found) AddOnce(known.key, list);
    }
  }
  return list;
}

// Samples of the series in the window, and the last one before it.
struct Window {
  std::vector<Sample> samples;
  bool whole = true;
};

Window ReadWindow(const SampleSeries& series, const Context& context, size_t samples_max) {
  Window window;
  if (samples_max == 0) return {{}, false};
  if (const auto before = series.Before(context.from)) window.samples.push_back(*before);
  window.whole =
      series.Read(context.from, context.to, samples_max - window.samples.size(), &window.samples);
  return window;
}

// The row's own sample, where retention has taken it from the tables.
void RestoreChosen(const Match& match, std::vector<Sample>& samples) {
  if (!match.sample_time || !match.value) return;
  const auto at =
      std::lower_bound(samples.begin(), samples.end(), *match.sample_time,
                       [](const Sample& sample, Timestamp time) { return sample.time < time; });
  if (at != samples.end() && at->time == *match.sample_time) return;
  samples.insert(at, Sample{*match.sample_time, *match.value, *match.sample_time});
}

void Encode(const SeriesKey& key, const std::vector<Sample>& samples,
            std::optional<Timestamp> chosen, v1::ContextSeries* out) {
  EncodeSeries(key, out->mutable_series());
  for (const Sample& sample : samples) {
    if (sample.time == chosen) out->set_chosen_index(out->samples_size());
    EncodeSample(sample, out->add_samples());
  }
}

}  // namespace

absl::StatusOr<v1::GetAlertContextResponse> GetAlertContext(
    TableAccess& tables, const RowStore& store, const v1::GetAlertContextRequest& request,
    const Matchers& scope, const StillWanted& still_wanted) {
  ASSIGN_OR_RETURN(const Context context, DecodeRequest(store, request, scope));
  ASSIGN_OR_RETURN(const SeriesList list, SeriesOf(tables, store, context, still_wanted));
  const auto& series = list.series;
  std::vector<Window> windows(series.size());
  RETURN_IF_ERROR(tables.Read([&](const TableReader& reader) {
    size_t room = context.samples_max;
    for (size_t i = 0; i < series.size(); ++i) {
      const auto place = reader.Find(*series[i]->query, series[i]->labels);
      if (place) windows[i] = ReadWindow(reader.Samples(*place), context, room);
      room -= windows[i].samples.size();
    }
  }));
  v1::GetAlertContextResponse response;
  EncodeRow(*context.visible.InScope(context.row), Operation::kUpsert, response.mutable_row());
  const Match& match = context.row->match;
  response.set_truncated(!list.whole);
  size_t bytes = response.row().ByteSizeLong();
  for (size_t i = 0; i < series.size(); ++i) {
    const bool own = match.series != nullptr && i == 0;
    if (own) RestoreChosen(match, windows[i].samples);
    if (!windows[i].whole) response.set_truncated(true);
    Encode(*series[i], windows[i].samples, own ? match.sample_time : std::nullopt,
           response.add_series());
    bytes += response.series().rbegin()->ByteSizeLong();
    if (bytes <= kBytesMax || i == 0) continue;
    response.mutable_series()->RemoveLast();
    response.set_truncated(true);
    break;
  }
  return response;
}

}  // namespace alertjoin
