#include "tests/integration/prometheus/collecting_sink.h"

#include <set>

namespace alertjoin {

absl::Status CollectingSink::Append(std::span<const Event> events) {
  {
    MutexLock lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
    ++appends_;
  }
  changed_.NotifyAll();
  return absl::OkStatus();
}

std::map<LabelSet, CollectingSink::Samples> CollectingSink::SamplesOf(
    const std::string& query) const {
  std::map<LabelSet, Samples> result;
  MutexLock lock(mutex_);
  for (const Event& event : events_) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    for (size_t i = 0; i < batch->size(); ++i) {
      const SeriesKey& series = *batch->series[batch->series_index[i]];
      if (series.query->name == query) result[series.labels][batch->times[i]] = batch->values[i];
    }
  }
  return result;
}

size_t CollectingSink::repetitions() const {
  std::map<std::tuple<Query, LabelSet, Timestamp>, double> seen;
  size_t repeated = 0;
  MutexLock lock(mutex_);
  for (const Event& event : events_) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    for (size_t i = 0; i < batch->size(); ++i) {
      const SeriesKey& series = *batch->series[batch->series_index[i]];
      const auto [known, added] =
          seen.emplace(std::tuple(*series.query, series.labels, batch->times[i]), batch->values[i]);
      if (!added && SameValue(known->second, batch->values[i])) ++repeated;
      known->second = batch->values[i];
    }
  }
  return repeated;
}

std::vector<QueryProgress> CollectingSink::ProgressOf(const std::string& query) const {
  std::vector<QueryProgress> result;
  MutexLock lock(mutex_);
  for (const Event& event : events_) {
    const auto* progress = std::get_if<QueryProgress>(&event);
    if (progress != nullptr && progress->query.name == query) result.push_back(*progress);
  }
  return result;
}

size_t CollectingSink::EventCount() const {
  MutexLock lock(mutex_);
  return events_.size();
}

std::vector<Event> CollectingSink::Events() const {
  MutexLock lock(mutex_);
  return events_;
}

std::optional<SourceStatus> CollectingSink::StatusOf(const std::string& source) const {
  std::optional<SourceStatus> newest;
  for (const Event& event : Events()) {
    const auto* status = std::get_if<SourceStatus>(&event);
    if (status != nullptr && status->source == source) newest = *status;
  }
  return newest;
}

bool CollectingSink::WaitUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (true) {
    size_t seen = 0;
    {
      MutexLock lock(mutex_);
      seen = appends_;
    }
    if (condition()) return true;
    MutexLock lock(mutex_);
    while (appends_ == seen) {
      if (!changed_.WaitUntil(mutex_, deadline)) return false;
    }
  }
}

std::optional<std::pair<Timestamp, double>> AsOf(const CollectingSink::Samples& samples,
                                                 Timestamp time) {
  const auto after = samples.upper_bound(time);
  if (after == samples.begin()) return std::nullopt;
  return *std::prev(after);
}

}  // namespace alertjoin
