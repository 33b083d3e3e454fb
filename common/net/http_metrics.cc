#include "common/net/http_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace alertjoin {

HttpObserver CountHttpRequests(prometheus::Registry& registry) {
  auto& requests = prometheus::BuildCounter()
                       .Name("alertjoin_http_requests_total")
                       .Help("HTTP requests answered, refused ones among them.")
                       .Register(registry);
  auto& seconds =
      prometheus::BuildHistogram()
          .Name("alertjoin_http_request_duration_seconds")
          .Help("Time from the end of an HTTP request's head to its answer, body included.")
          .Register(registry);
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
