#include "correlator-service/join/sample_order.h"

#include <algorithm>

namespace alertjoin {

bool SampleOrder::Make(Batches batches) {
  size_t samples = 0;
  uint32_t first = UINT32_MAX;
  uint32_t last = 0;
  const auto widen = [&first, &last](uint32_t number) {
    first = std::min(first, number);
    last = std::max(last, number);
  };
  for (const SampleBatch* const batch : batches) {
    if (batch->size() == 0) continue;
    samples += batch->size();
    widen(batch->series_index.front());
    widen(batch->series_index.back());
  }
  // Most that are not worth it show so at their ends. Also what keeps the tables as small as the
  // samples.
  if (samples == 0 || last - first >= samples / 2) return false;
  for (const SampleBatch* const batch : batches) {
    for (const uint32_t number : batch->series_index) widen(number);
  }
  if (last - first >= samples / 2) return false;
  first_number_ = first;
  // Counted two places ahead, added up one place ahead: then filling the places moves every begin
  // to where it belongs.
  begins_.assign(size_t{last} - first + 3, 0);
  for (const SampleBatch* const batch : batches) {
    for (const uint32_t number : batch->series_index) ++begins_[number - first + 2];
  }
  for (size_t i = 2; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
  places_.resize(samples);
  for (uint32_t batch = 0; batch < batches.size(); ++batch) {
    const std::vector<uint32_t>& numbers = batches[batch]->series_index;
    for (uint32_t i = 0; i < numbers.size(); ++i) {
      places_[begins_[numbers[i] - first + 1]++] = {batch, i};
    }
  }
  begins_.pop_back();
  return true;
}

}  // namespace alertjoin
