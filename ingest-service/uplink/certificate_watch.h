#pragma once

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <chrono>
#include <string>

namespace alertjoin {

// Tells by a metric when the certificate expires that the uplink shows the correlator: without it
// nothing would tell before the day on which no event goes through any more. Looks at the file, and
// not at what a connection was begun with: the next connection reads it anew. Several of one
// registry share the metric. Not thread-safe. The registry must outlive it.
class CertificateWatch {
 public:
  // "": there is none; the metric is 0.
  CertificateWatch(std::string file, prometheus::Registry& registry);

  // Reads the file when it has not for a minute. One that cannot be read changes nothing: that it
  // cannot, the next connection says.
  void Look(std::chrono::steady_clock::time_point now);

 private:
  const std::string file_;
  prometheus::Gauge& expiry_seconds_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace alertjoin
