#include "common/net/http_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace alertjoin {

HttpObserver CountHttpRequests(prometheus::Registry& registry) {
  auto& family = prometheus::BuildCounter()
                     .Name("alertjoin_http_requests_total")
                     .Help("HTTP requests answered, refused ones among them.")
                     .Register(registry);
  // Bounded: the server reports known methods and its own patterns only, and codes are few.
  return [&family](const std::string& method, const std::string& pattern, int status) {
    family.Add({{"method", method}, {"path", pattern}, {"code", std::to_string(status)}})
        .Increment();
  };
}

}  // namespace alertjoin
