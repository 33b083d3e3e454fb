#include "correlator-service/pipeline/future_samples.h"

#include <algorithm>

namespace alertjoin {

size_t DropFutureSamples(Timestamp limit, std::vector<Event>& events) {
  size_t dropped = 0;
  for (Event& event : events) {
    auto* const batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    const bool all_stay = std::all_of(batch->times.begin(), batch->times.end(),
                                      [limit](Timestamp time) { return time <= limit; });
    if (all_stay) continue;
    size_t kept = 0;
    for (size_t i = 0; i < batch->size(); ++i) {
      if (batch->times[i] > limit) continue;
      batch->series_index[kept] = batch->series_index[i];
      batch->values[kept] = batch->values[i];
      batch->times[kept] = batch->times[i];
      ++kept;
    }
    dropped += batch->size() - kept;
    batch->series_index.resize(kept);
    batch->values.resize(kept);
    batch->times.resize(kept);
  }
  return dropped;
}

}  // namespace alertjoin
