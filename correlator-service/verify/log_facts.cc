#include "correlator-service/verify/log_facts.h"

#include <algorithm>

namespace alertjoin {

void LogFacts::Add(const Round& round) {
  if (round.horizons) {
    horizons_.samples = std::max(horizons_.samples, round.horizons->samples);
    horizons_.rows = std::max(horizons_.rows, round.horizons->rows);
  }
  AddEvents(round.events, false);
  AddEvents(round.carried, true);
}

void LogFacts::AddEvents(const std::vector<Event>& events, bool carried) {
  for (const Event& event : events) {
    if (const auto* const samples = std::get_if<SampleBatch>(&event)) {
      AddSamples(*samples, carried);
    } else if (const auto* const progress = std::get_if<QueryProgress>(&event)) {
      complete_[progress->query].emplace_back(progress->complete_from, progress->complete_through);
    } else if (const auto* const error = std::get_if<QueryError>(&event)) {
      const std::pair told(error->time, error->error);
      const auto [known, is_new] = errors_.try_emplace(error->query, told);
      if (!is_new) known->second = std::max(known->second, told);
    } else if (const auto* const gap = std::get_if<Gap>(&event);
               gap != nullptr && gap->voids_progress) {
      void_[*gap->query].emplace_back(*gap->from, *gap->through);
    }
  }
}

void LogFacts::AddSamples(const SampleBatch& batch, bool carried) {
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!carried && batch.times[i] < horizons_.samples) continue;
    const SeriesKey& key = *batch.series[batch.series_index[i]];
    Samples& samples = samples_[{*key.query, key.labels}];
    const auto [known, is_new] = samples.try_emplace(batch.times[i], batch.values[i]);
    // Of two values the later counts. What is carried over was said before.
    if (!is_new && !carried) known->second = batch.values[i];
  }
}

std::string LogFacts::ErrorOf(const Query& query) const {
  const auto known = errors_.find(query);
  return known == errors_.end() ? std::string() : known->second.second;
}

bool LogFacts::IsComplete(const Query& query, Range range) const {
  const auto voided = void_.find(query);
  if (voided != void_.end()) {
    for (const auto& [from, through] : voided->second) {
      if (from <= range.second && through >= range.first) return false;
    }
  }
  const auto complete = complete_.find(query);
  if (complete == complete_.end()) return false;
  Timestamp reached = range.first;  // What lies before it is complete.
  for (bool advanced = true; advanced && reached <= range.second;) {
    advanced = false;
    for (const auto& [from, through] : complete->second) {
      if (from > reached || through < reached) continue;
      reached = through + Millis(1);
      advanced = true;
    }
  }
  return reached > range.second;
}

}  // namespace alertjoin
