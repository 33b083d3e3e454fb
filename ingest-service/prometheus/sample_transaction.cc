#include "ingest-service/prometheus/sample_transaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {

SampleTransaction::~SampleTransaction() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) {
    if (undo->previous.has_value()) {
      undo->series->history.Set(undo->time, *undo->previous);
    } else {
      undo->series->history.Erase(undo->time);
    }
  }
}

KnownSeries* SampleTransaction::SeriesOf(const LabelSet& labels) {
  KnownSeries* series = nullptr;
  if (cache_.Find(labels) != nullptr || CheckLabels(labels, "labels").ok()) {
    series = cache_.FindOrAdd(labels);
  }
  if (series == nullptr) {
    ++series_refused_;
  } else {
    series->last_heard_of = std::max(series->last_heard_of, now_);
  }
  return series;
}

void SampleTransaction::Add(KnownSeries& series, Timestamp time, double value) {
  const std::optional<double> previous = series.history.At(time);
  if (previous.has_value() && SameValue(*previous, value)) return;
  undo_.push_back({&series, time, previous});
  series.history.Set(time, value);
  const auto [index, added] =
      index_of_.emplace(&series, static_cast<uint32_t>(batch_.series.size()));
  if (added) batch_.series.push_back(series.key);
  batch_.series_index.push_back(index->second);
  batch_.times.push_back(time);
  batch_.values.push_back(value);
  ++(IsStaleMarker(value) ? stale_markers_ : samples_);
}

void SampleTransaction::AddAll(const QueryResult& result) {
  for (const ResultSeries& found : result.series) {
    if (found.times.empty()) continue;
    KnownSeries* series = SeriesOf(found.labels);
    if (series == nullptr) continue;
    for (size_t i = 0; i < found.times.size(); ++i) Add(*series, found.times[i], found.values[i]);
  }
}

bool SampleTransaction::AddStaleMarker(KnownSeries& series, Timestamp after, Timestamp time) {
  if (!series.HasValueIn(after, time)) return false;
  Add(series, time, StaleMarker());
  return true;
}

void SampleTransaction::AddMarkersAtEvaluations() {
  const size_t added = undo_.size();
  for (size_t i = 0; i < added; ++i) {
    KnownSeries& series = *undo_[i].series;
    // The sample may hide more than one such evaluation, but the first marker settles all that
    // come before the next sample.
    for (const Timestamp time : cache_.EvaluationsAfter(undo_[i].time)) {
      const auto newest = series.history.AsOf(time);
      if (newest->time != undo_[i].time) break;
      AddStaleMarker(series, Timestamp::Min(), time);
    }
  }
}

void SampleTransaction::Claim(Timestamp complete_from, Timestamp complete_through) {
  claim_.emplace(complete_from, complete_through);
}

void SampleTransaction::ReportGap(std::optional<Timestamp> from, std::optional<Timestamp> through,
                                  std::string reason) {
  gaps_.push_back({cache_.query()->source, *cache_.query(), from, through, std::move(reason)});
}

absl::Status SampleTransaction::Commit(SampleSink& sink) {
  std::vector<Event> events;
  if (batch_.size() > 0) {
    batch_.received_time = now_;
    events.emplace_back(std::move(batch_));
  }
  for (Gap& gap : gaps_) events.emplace_back(std::move(gap));
  if (claim_.has_value()) {
    events.emplace_back(QueryProgress{*cache_.query(), claim_->first, claim_->second});
  }
  if (!events.empty()) {
    const absl::Status status = sink.Append(events);
    if (absl::IsInvalidArgument(status)) {
      // Not to be taken for a fault of the query.
      return absl::InternalError(fmt::format("spool: {}", MessageOf(status)));
    }
    RETURN_IF_ERROR(Annotate(status, "spool"));
  }
  undo_.clear();
  if (evaluated_at_.has_value()) cache_.RecordEvaluation(*evaluated_at_);
  return absl::OkStatus();
}

}  // namespace alertjoin
