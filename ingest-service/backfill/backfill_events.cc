#include "ingest-service/backfill/backfill_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "common/event/event_rules.h"

namespace alertjoin {

// Collects samples in batches of a bounded size.
class BackfillEvents::Batches {
 public:
  Batches(const SeriesTable& table, Timestamp now, BackfillChunkEvents& out)
      : table_(table), now_(now), out_(out) {}

  void Add(const Series& series, Timestamp time, double value) {
    if (batch_.size() == 0) {
      batch_.series = table_;
      batch_.received_time = now_;
    }
    batch_.series_index.push_back(series.number);
    batch_.times.push_back(time);
    batch_.values.push_back(value);
    ++out_.samples;
    if (batch_.size() >= kSamplesPerEvent) Flush();
  }
  void Flush() {
    if (batch_.size() > 0) out_.events.emplace_back(std::exchange(batch_, {}));
  }

 private:
  const SeriesTable& table_;
  const Timestamp now_;
  BackfillChunkEvents& out_;
  SampleBatch batch_;
};

namespace {

// The usual distance of the times; 0 when there are too few to tell.
Millis SpacingOf(const std::vector<Timestamp>& times) {
  if (times.size() < 3) return Millis(0);
  std::vector<Millis> spacings;
  spacings.reserve(times.size() - 1);
  for (size_t i = 1; i < times.size(); ++i) spacings.push_back(times[i] - times[i - 1]);
  const auto middle = spacings.begin() + static_cast<std::ptrdiff_t>((spacings.size() - 1) / 2);
  std::nth_element(spacings.begin(), middle, spacings.end());
  return *middle;
}

// What lies strictly between the two cannot be claimed.
void LeaveOut(Timestamp after, Timestamp before, TimeRanges& unproven) {
  if (after + Millis(1) < before) unproven.Add({after + Millis(1), before - Millis(1)});
}

void Measure(const QueryResult& result, BackfillChunkEvents& out) {
  for (const ResultSeries& found : result.series) {
    out.points += found.times.size();
    out.series_points_max = std::max(out.series_points_max, found.times.size());
  }
}

}  // namespace

BackfillEvents::BackfillEvents(const Query& query, Millis lookback)
    : query_(std::make_shared<const Query>(query)), lookback_(lookback) {}

BackfillEvents::Series* BackfillEvents::SeriesOf(const LabelSet& labels, BackfillChunkEvents& out) {
  const auto known = series_.find(labels);
  if (known != series_.end()) return &known->second;
  if (series_.size() >= kSeriesMax || !CheckLabels(labels, "labels").ok()) {
    ++out.series_refused;
    return nullptr;
  }
  Series& added = series_[labels];
  added.number = static_cast<uint32_t>(table_.size());
  table_.push_back(std::make_shared<const SeriesKey>(SeriesKey{query_, labels}));
  return &added;
}

void BackfillEvents::Begin(TimeRange chunk, Millis distance) {
  continued_ = through_.has_value() && *through_ + distance == chunk.from;
  through_ = chunk.through;
  if (!continued_) {
    series_.clear();
    table_ = SeriesTable();
  }
  for (auto& [labels, series] : series_) series.seen = false;
}

void BackfillEvents::LeaveIncomplete(TimeRange chunk, BackfillChunkEvents& out) {
  // The next chunk begins anew.
  through_.reset();
  if (out.series_refused == 0) return;
  out.events.emplace_back(
      Gap{query_->source, *query_, chunk.from, chunk.through,
          fmt::format("backfill: {} series are beyond a limit (series per query, or labels of a "
                      "series): make the query narrower",
                      out.series_refused)});
}

void BackfillEvents::AddSelectorSeries(Series& series, const ResultSeries& found, TimeRange chunk,
                                       Batches& batches, TimeRanges& unproven) {
  const Millis spacing = SpacingOf(found.times);
  if (spacing > Millis(0)) series.spacing = spacing;
  // A scrape that failed leaves twice the usual distance.
  const Millis close = series.spacing + series.spacing / 2;
  for (size_t i = 0; i < found.times.size(); ++i) {
    const Timestamp time = found.times[i];
    if (time < chunk.from || time > chunk.through) continue;
    if (series.alive && time - series.last > close) LeaveOut(series.last, time, unproven);
    batches.Add(series, time, found.values[i]);
    series.last = time;
    series.alive = true;
  }
}

void BackfillEvents::AddSelectorEnds(TimeRange chunk, const QueryResult& presence, Batches& batches,
                                     TimeRanges& unproven) {
  std::unordered_set<const Series*> present;
  for (const ResultSeries& found : presence.series) {
    const auto known = series_.find(found.labels);
    if (known != series_.end()) present.insert(&known->second);
  }
  for (auto& [labels, series] : series_) {
    if (!series.alive || present.count(&series) > 0) continue;
    // It may have ended at any time since, but not later than its value was kept alive.
    LeaveOut(series.last, std::min(chunk.through, series.last + lookback_ + Millis(1)), unproven);
    const bool kept_alive = series.last > chunk.through - lookback_;
    if (kept_alive && series.last < chunk.through) {
      batches.Add(series, chunk.through, StaleMarker());
    }
    series.alive = false;
  }
}

BackfillChunkEvents BackfillEvents::OfSelector(TimeRange chunk, const QueryResult& samples,
                                               const QueryResult& presence, Timestamp now) {
  BackfillChunkEvents out;
  Measure(samples, out);
  Begin(chunk, Millis(1));
  TimeRanges unproven;
  // Of series that ended before nothing is known.
  if (!continued_) unproven.Add({chunk.from, std::min(chunk.through, chunk.from + lookback_)});
  Batches batches(table_, now, out);
  for (const ResultSeries& found : samples.series) {
    Series* const series = SeriesOf(found.labels, out);
    if (series != nullptr) AddSelectorSeries(*series, found, chunk, batches, unproven);
  }
  const bool complete = !samples.partial && !presence.partial && out.series_refused == 0;
  if (complete) AddSelectorEnds(chunk, presence, batches, unproven);
  batches.Flush();
  if (!complete) {
    LeaveIncomplete(chunk, out);
    return out;
  }
  size_t claims = 0;
  for (const TimeRange& proved : unproven.MissingIn(chunk)) {
    if (++claims > kClaimsMax) break;
    out.events.emplace_back(QueryProgress{*query_, proved.from, proved.through});
  }
  return out;
}

void BackfillEvents::AddGridSeries(Series& series, const ResultSeries& found, TimeRange chunk,
                                   Millis step, bool complete, Batches& batches) {
  series.seen = true;
  for (size_t i = 0; i < found.times.size(); ++i) {
    const Timestamp time = found.times[i];
    if (time < chunk.from || time > chunk.through) continue;
    if (complete && series.alive && time > series.last + step) {
      batches.Add(series, series.last + step, StaleMarker());
    }
    batches.Add(series, time, found.values[i]);
    series.last = time;
    series.alive = true;
  }
  if (complete && series.alive && series.last < chunk.through) {
    batches.Add(series, series.last + step, StaleMarker());
    series.alive = false;
  }
}

BackfillChunkEvents BackfillEvents::OfGrid(TimeRange chunk, Millis step, const QueryResult& values,
                                           Timestamp now) {
  BackfillChunkEvents out;
  Measure(values, out);
  Begin(chunk, step);
  Batches batches(table_, now, out);
  const bool whole = !values.partial;
  for (const ResultSeries& found : values.series) {
    Series* const series = SeriesOf(found.labels, out);
    if (series != nullptr) AddGridSeries(*series, found, chunk, step, whole, batches);
  }
  for (auto& [labels, series] : series_) {
    if (!whole || series.seen || !series.alive) continue;
    batches.Add(series, series.last + step, StaleMarker());
    series.alive = false;
  }
  batches.Flush();
  if (!whole || out.series_refused > 0) {
    LeaveIncomplete({chunk.from, chunk.through + step - Millis(1)}, out);
    return out;
  }
  const auto moments = static_cast<size_t>((chunk.through - chunk.from) / step) + 1;
  for (size_t i = 0; moments <= kClaimsMax && i < moments; ++i) {
    const Timestamp moment = chunk.from + step * static_cast<int64_t>(i);
    out.events.emplace_back(QueryProgress{*query_, moment, moment});
  }
  return out;
}

}  // namespace alertjoin
