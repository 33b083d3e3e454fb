#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

#include "absl/status/status.h"
#include "common/metrics/stage_metrics.h"

namespace alertjoin {

// What the uplink of one lane of the spool counts, under the label `lane`. Thread-safe. The
// registry must outlive it.
struct UplinkMetrics {
  UplinkMetrics(prometheus::Registry& registry, const std::string& lane);

  // Counts a stream that ended, under its code.
  void CountError(const absl::Status& status);

  const std::string lane;
  prometheus::Gauge& connected;
  prometheus::Counter& sent_events;
  prometheus::Counter& acked_events;
  prometheus::Counter& reconnects;
  prometheus::Counter& store_changes;
  prometheus::Counter& missing_events;
  prometheus::Counter& drops_met;
  prometheus::Counter& new_log_ids;
  prometheus::Family<prometheus::Counter>& errors;
  // Events: those that are sent, repetitions included, and those that are acknowledged.
  StageMetrics stage;
};

}  // namespace alertjoin
