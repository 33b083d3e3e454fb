#include "ingest-service/prometheus/series_cache.h"

#include <algorithm>

namespace alertjoin {
namespace {

constexpr size_t kEvaluationsMax = 10'000;

void InsertOrdered(Timestamp time, std::vector<Timestamp>* times) {
  const auto place = std::lower_bound(times->begin(), times->end(), time);
  if (place == times->end() || *place != time) times->insert(place, time);
}

void EraseBefore(Timestamp horizon, std::vector<Timestamp>* times) {
  times->erase(times->begin(), std::lower_bound(times->begin(), times->end(), horizon));
}

}  // namespace

bool KnownSeries::HasValueIn(Timestamp after, Timestamp through) const {
  const auto newest = history.AsOf(through);
  return newest.has_value() && newest->time > after && !IsStaleMarker(newest->value);
}

SeriesCache::SeriesCache(std::shared_ptr<const Query> query, size_t series_max)
    : query_(std::move(query)), series_max_(series_max) {}

KnownSeries* SeriesCache::FindOrAdd(const LabelSet& labels) {
  const auto known = series_.find(labels);
  if (known != series_.end()) return &known->second;
  if (series_.size() >= series_max_) return nullptr;
  auto key = std::make_shared<const SeriesKey>(SeriesKey{query_, labels});
  return &series_.emplace(labels, KnownSeries(std::move(key))).first->second;
}

const KnownSeries* SeriesCache::Find(const LabelSet& labels) const {
  const auto known = series_.find(labels);
  return known != series_.end() ? &known->second : nullptr;
}

void SeriesCache::ForEach(const std::function<void(KnownSeries&)>& visit) {
  for (auto& [labels, series] : series_) visit(series);
}

bool SeriesCache::AnyOf(const std::function<bool(const KnownSeries&)>& wanted) const {
  return std::any_of(series_.begin(), series_.end(),
                     [&](const auto& entry) { return wanted(entry.second); });
}

void SeriesCache::RecordDisappearance(Timestamp time) { InsertOrdered(time, &disappearances_); }

Timestamp SeriesCache::CertainFrom(Timestamp from, Timestamp through) const {
  const auto after = std::upper_bound(disappearances_.begin(), disappearances_.end(), through);
  if (after == disappearances_.begin()) return from;
  return std::max(from, *std::prev(after));
}

void SeriesCache::RecordEvaluation(Timestamp time) {
  InsertOrdered(time, &evaluations_);
  if (evaluations_.size() > kEvaluationsMax) evaluations_.erase(evaluations_.begin());
}

std::vector<Timestamp> SeriesCache::EvaluationsAfter(Timestamp time) const {
  return {std::upper_bound(evaluations_.begin(), evaluations_.end(), time), evaluations_.end()};
}

void SeriesCache::Forget(Timestamp samples_horizon, Timestamp series_horizon) {
  for (auto entry = series_.begin(); entry != series_.end();) {
    KnownSeries& series = entry->second;
    series.history.Forget(samples_horizon);
    entry = series.last_heard_of < series_horizon ? series_.erase(entry) : std::next(entry);
  }
  EraseBefore(samples_horizon, &disappearances_);
  EraseBefore(series_horizon, &evaluations_);
}

}  // namespace alertjoin
