#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

#include "absl/status/status.h"
#include "common/metrics/stage_metrics.h"

namespace alertjoin {

// What the intake counts. Thread-safe. The registry must outlive it.
struct IntakeMetrics {
  explicit IntakeMetrics(prometheus::Registry& registry);

  // Counts a stream that was ended by an error of ours, under the reason of the status.
  void CountRefusal(const absl::Status& status);

  prometheus::Gauge& streams;
  prometheus::Counter& events;
  prometheus::Counter& duplicates;
  prometheus::Counter& lost;
  prometheus::Counter& queue_full;
  prometheus::Family<prometheus::Counter>& refused;
  // Events: those that are new, and those that the pipeline has taken.
  StageMetrics stage;
};

}  // namespace alertjoin
