#pragma once

#include <string>

#include "common/event/event.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

// Events of the samples lane for tests. Times are in milliseconds; queries go by their name.
inline Timestamp At(int64_t time_ms) { return Timestamp::FromMillis(time_ms); }

inline Query QueryOf(const std::string& name) { return {"prom", name, name, TimeKind::kSample}; }

inline void AddSeries(const std::string& query, SampleBatch& batch) {
  batch.series.push_back(std::make_shared<SeriesKey>(
      SeriesKey{std::make_shared<Query>(QueryOf(query)), {{"job", "a"}}}));
}

inline void AddSample(uint32_t series, int64_t time_ms, SampleBatch& batch) {
  batch.series_index.push_back(series);
  batch.times.push_back(At(time_ms));
  batch.values.push_back(static_cast<double>(time_ms));
}

// One sample at each millisecond of [first, last].
inline SampleBatch SamplesOf(const std::string& query, int64_t first_ms, int64_t last_ms) {
  SampleBatch batch;
  AddSeries(query, batch);
  for (int64_t time_ms = first_ms; time_ms <= last_ms; ++time_ms) AddSample(0, time_ms, batch);
  return batch;
}

inline SampleBatch SamplesOfTwo(const std::string& query, int64_t time_ms, const std::string& other,
                                int64_t other_time_ms) {
  SampleBatch batch;
  AddSeries(query, batch);
  AddSeries(other, batch);
  AddSample(0, time_ms, batch);
  AddSample(1, other_time_ms, batch);
  return batch;
}

inline QueryProgress ProgressOf(const std::string& query, int64_t from_ms, int64_t through_ms) {
  return {QueryOf(query), At(from_ms), At(through_ms)};
}

// "void QUERY FROM-THROUGH", or "told QUERY FROM-THROUGH REASON" for one that voids nothing.
inline std::string TextOf(const Gap& gap) {
  const auto bound = [](const std::optional<Timestamp>& time) {
    return time.has_value() ? std::to_string(time->millis()) : "*";
  };
  return std::string(gap.voids_progress ? "void " : "told ") +
         (gap.query.has_value() ? gap.query->name : "-") + " " + bound(gap.from) + "-" +
         bound(gap.through) + (gap.voids_progress ? "" : " " + gap.reason);
}

}  // namespace alertjoin
