#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace alertjoin {

// Metrics without labels: registered under `name`, owned by the registry. Thread-safe.
inline prometheus::Gauge& OneGauge(prometheus::Registry& registry, const char* name,
                                   const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

inline prometheus::Counter& OneCounter(prometheus::Registry& registry, const char* name,
                                       const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace alertjoin
