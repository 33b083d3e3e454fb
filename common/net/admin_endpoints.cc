#include "common/net/admin_endpoints.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "common/metrics/metric_families.h"
#include "common/net/process_metrics.h"
#include "common/service/build_info.h"
#include "common/status/status.h"

namespace alertjoin {

void AddAdminEndpoints(HttpServer& server, const prometheus::Registry& registry,
                       std::function<absl::Status()> ready) {
  server.HandleUrgent("/metrics", [&registry](const HttpRequest&) {
    HttpResponse response;
    std::vector<prometheus::MetricFamily> families = registry.Collect();
    std::ranges::move(CollectProcessMetrics(), std::back_inserter(families));
    response.body = prometheus::TextSerializer().Serialize(families);
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
  server.HandleUrgent("/-/healthy", [](const HttpRequest&) {
    HttpResponse response;
    response.body = "healthy\n";
    return response;
  });
  server.HandleUrgent("/-/ready", [ready = std::move(ready)](const HttpRequest&) {
    const absl::Status status = ready();
    HttpResponse response;
    response.status = status.ok() ? 200 : 503;
    response.body = status.ok() ? "ready\n" : "not ready: " + MessageOf(status) + "\n";
    return response;
  });
}

void AddReloadEndpoint(HttpServer& server, std::function<absl::Status()> reload) {
  for (const char* method : {"POST", "PUT"}) {
    server.HandleCommand(method, "/-/reload", [reload](const HttpRequest&) {
      const absl::Status status = reload();
      HttpResponse response;
      response.status = status.ok() ? 200 : 500;
      if (!status.ok()) response.body = "failed to reload config: " + MessageOf(status) + "\n";
      return response;
    });
  }
}

void AddBuildInfo(prometheus::Registry& registry) {
  const BuildInfo build = GetBuildInfo();
  GaugeFamily(registry, "alertjoin_build_info",
              "1, with what the program was built from and by as labels.")
      .Add({{"version", build.version},
            {"revision", build.revision},
            {"branch", build.branch},
            {"compiler", build.compiler}})
      .Set(1);
}

}  // namespace alertjoin
