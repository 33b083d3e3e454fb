#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

namespace alertjoin {

// What one lane of the spool shows of itself, under the label `lane`. Thread-safe. The registry
// must outlive it.
struct SpoolMetrics {
  SpoolMetrics(prometheus::Registry& registry, const std::string& lane);

  prometheus::Gauge& events;
  prometheus::Gauge& bytes;
  prometheus::Gauge& bytes_max;
};

// What a lane that may drop counts, in the same way.
struct DropMetrics {
  DropMetrics(prometheus::Registry& registry, const std::string& lane);

  prometheus::Counter& samples;
  prometheus::Counter& events;
};

}  // namespace alertjoin
