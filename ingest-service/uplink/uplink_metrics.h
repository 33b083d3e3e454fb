#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "absl/status/status.h"

namespace alertjoin {

// What the uplink counts. Thread-safe. The registry must outlive it.
struct UplinkMetrics {
  explicit UplinkMetrics(prometheus::Registry& registry);

  // Counts a stream that ended, under its code.
  void CountError(const absl::Status& status);

  prometheus::Gauge& connected;
  prometheus::Counter& sent_events;
  prometheus::Counter& acked_events;
  prometheus::Counter& reconnects;
  prometheus::Counter& store_changes;
  prometheus::Counter& missing_events;
  prometheus::Family<prometheus::Counter>& errors;
};

}  // namespace alertjoin
