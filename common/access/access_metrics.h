#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

namespace alertjoin {

// How the access to one listener fares, by its name ("http", "grpc"). Thread-safe. The registry
// must outlive it.
class AccessMetrics {
 public:
  AccessMetrics(prometheus::Registry& registry, const std::string& listener);

  // `reason`: one of a few fixed words.
  void CountRefusal(const std::string& reason);

  prometheus::Counter& loads;
  prometheus::Counter& load_failures;
  prometheus::Gauge& last_load_successful;
  prometheus::Gauge& certificate_expiry_seconds;  // 0: no TLS.

 private:
  const std::string listener_;
  prometheus::Family<prometheus::Counter>& refusals_;
};

}  // namespace alertjoin
