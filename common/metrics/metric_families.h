#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace alertjoin {

// The metrics of one name, whose labels tell them apart. Owned by the registry; the same name gives
// the same family. Thread-safe.
inline prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                              const std::string& name,
                                                              const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

inline prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry,
                                                          const std::string& name,
                                                          const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

inline prometheus::Family<prometheus::Histogram>& HistogramFamily(prometheus::Registry& registry,
                                                                  const std::string& name,
                                                                  const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// Metrics without labels.
inline prometheus::Counter& OneCounter(prometheus::Registry& registry, const std::string& name,
                                       const std::string& help) {
  return CounterFamily(registry, name, help).Add({});
}

inline prometheus::Gauge& OneGauge(prometheus::Registry& registry, const std::string& name,
                                   const std::string& help) {
  return GaugeFamily(registry, name, help).Add({});
}

}  // namespace alertjoin
