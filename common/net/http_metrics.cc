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

}  // namespace alertjoin
