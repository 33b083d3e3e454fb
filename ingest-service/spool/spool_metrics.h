#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

#include "common/metrics/stage_metrics.h"

namespace alertjoin {

// What one lane of the spool shows of itself, under the label `lane`. Thread-safe. The registry
// must outlive it.
struct SpoolMetrics {
  SpoolMetrics(prometheus::Registry& registry, const std::string& lane);

  prometheus::Gauge& events;
  prometheus::Gauge& bytes;
  prometheus::Gauge& bytes_max;
  // Of the oldest event, of the newest one, of the last one acknowledged.
  prometheus::Gauge& first_sequence;
  prometheus::Gauge& last_sequence;
  prometheus::Gauge& acked_sequence;
  // Events: those that are appended and those that are acknowledged.
  StageMetrics stage;
};

// How long the syncs of a lane's log take.
prometheus::Histogram& SpoolSyncSeconds(prometheus::Registry& registry, const std::string& lane);

// What a lane that may drop counts, in the same way.
struct DropMetrics {
  DropMetrics(prometheus::Registry& registry, const std::string& lane);

  prometheus::Counter& samples;
  prometheus::Counter& events;
};

}  // namespace alertjoin
