#include "correlator-service/query/sample_statistics.h"

#include <algorithm>
#include <cmath>

#include "common/event/event.h"

namespace alertjoin {

SampleStatistics& SampleSummarizer::StepOf(Timestamp time) {
  if (!statistics_.empty() && time < statistics_.back().end) return statistics_.back();
  SampleStatistics added;
  added.start = from_;
  added.end = to_;
  if (step_) {
    added.start = from_ + *step_ * ((time - from_) / *step_);
    added.end = std::min(added.start + *step_, to_);
  }
  statistics_.push_back(added);
  return statistics_.back();
}

void SampleSummarizer::Add(std::span<const Sample> samples) {
  for (const Sample& sample : samples) {
    if (IsStaleMarker(sample.value)) continue;
    SampleStatistics& step = StepOf(sample.time);
    if (std::isnan(sample.value)) {
      ++step.nan_count;
      continue;
    }
    const double value = sample.value;
    ++step.count;
    const bool first = step.count == 1;
    step.min = first ? value : std::min(step.min, value);
    step.max = first ? value : std::max(step.max, value);
    step.sum += value;
    step.last = value;
    step.last_time = sample.time;
    ema_ = ema_ ? ema_alpha_ * value + (1 - ema_alpha_) * *ema_ : value;
    step.ema = *ema_;
  }
}

}  // namespace alertjoin
