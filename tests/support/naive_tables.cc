#include "tests/support/naive_tables.h"

#include <algorithm>

namespace alertjoin {

Timestamp NaiveLastHeard(const Transition& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

void NaiveAmend(Transition& described, const Transition& event) {
  const auto end = std::max(described.ends_at, event.ends_at);
  const bool was_sent = event.origin != Origin::kReconciliation;
  if (was_sent && described.origin == Origin::kReconciliation) described = event;
  described.ends_at = end;
}

void NaiveTables::Add(std::span<const Event> batch) {
  for (const Event& event : batch) {
    if (const auto* told = std::get_if<SampleBatch>(&event)) {
      for (size_t i = 0; i < told->size(); ++i) {
        const SeriesKey& key = *told->series[told->series_index[i]];
        if (told->times[i] < sample_horizon) continue;
        samples[{*key.query, key.labels}][told->times[i]] = told->values[i];
      }
    } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
      const auto& [query, from, through] = *progress;
      for (Timestamp at = from; at <= through; at = at + Millis(1)) covered.insert({query, at});
    } else if (const auto* gap = std::get_if<Gap>(&event); gap != nullptr && gap->voids_progress) {
      const auto& [source, query, from, through, reason, voids] = *gap;
      for (Timestamp at = *from; at <= through; at = at + Millis(1)) voided.insert({*query, at});
    } else if (const auto* error = std::get_if<QueryError>(&event)) {
      auto& newest = errors.try_emplace(error->query, error->time, error->error).first->second;
      newest = std::max(newest, std::pair(error->time, error->error));
    } else if (const auto* alert = TransitionOf(event)) {
      if (NaiveLastHeard(*alert) < row_horizon) continue;
      alerts[{alert->source, alert->fingerprint}][alert->starts_at].push_back(*alert);
    }
  }
  std::erase_if(covered, [this](const auto& at) { return voided.contains(at); });
}

void NaiveTables::Expire(Timestamp for_samples, Timestamp for_rows) {
  sample_horizon = std::max(sample_horizon, for_samples);
  row_horizon = std::max(row_horizon, for_rows);
  for (auto& [series, its_samples] : samples) {
    const auto behind = its_samples.lower_bound(sample_horizon);
    if (behind != its_samples.begin()) its_samples.erase(its_samples.begin(), std::prev(behind));
  }
}

}  // namespace alertjoin
