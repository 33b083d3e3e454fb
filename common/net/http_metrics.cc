#include "common/net/http_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "common/metrics/metric_families.h"

namespace alertjoin {

HttpObserver CountHttpRequests(prometheus::Registry& registry) {
  auto& requests = CounterFamily(registry, "alertjoin_http_requests_total",
                                 "HTTP requests answered, refused ones among them.");
  auto& seconds =
      HistogramFamily(registry, "alertjoin_http_request_duration_seconds",
                      "Time from the end of an HTTP request's head to its answer, body included.");
  // Bounded: the server reports known methods and its own patterns only, and codes are few.
  return [&requests, &seconds](const std::string& method, const std::string& pattern, int status,
                               std::chrono::duration<double> elapsed) {
    requests.Add({{"method", method}, {"path", pattern}, {"code", std::to_string(status)}})
        .Increment();
    if (pattern.empty()) return;
    seconds
        .Add({{"path", pattern}},
             prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05, 0.1, 0.25, 1, 5, 30})
        .Observe(elapsed.count());
  };
}

HttpOverloadObserver CountHttpOverload(prometheus::Registry& registry) {
  auto& refused = CounterFamily(
      registry, "alertjoin_http_overload_refused_total",
      "HTTP connections and requests answered 503 for want of room or threads, by reason.");
  const auto counter = [&refused](const char* reason) {
    return &refused.Add({{"reason", reason}});
  };
  return [connections = counter("connections"), waiting = counter("waiting"),
          large_bodies = counter("large_bodies"), awaited_bodies = counter("awaited_bodies"),
          streams = counter("streams")](HttpOverload overload) {
    switch (overload) {
      case HttpOverload::kConnections:
        return connections->Increment();
      case HttpOverload::kWaiting:
        return waiting->Increment();
      case HttpOverload::kLargeBodies:
        return large_bodies->Increment();
      case HttpOverload::kAwaitedBodies:
        return awaited_bodies->Increment();
      case HttpOverload::kStreams:
        return streams->Increment();
    }
  };
}

}  // namespace alertjoin
