#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/net/http_server.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

// Adds GET /metrics (Prometheus text format of the registry, and process_metrics.h), GET /-/healthy
// (200 while the process serves) and GET /-/ready (200 when `ready` gives OK, otherwise 503 with
// its message), all three urgent (HttpServer::HandleUrgent). The registry must outlive the server;
// `ready` must be thread-safe and must not wait.
void AddAdminEndpoints(HttpServer& server, const prometheus::Registry& registry,
                       std::function<absl::Status()> ready);

// Adds POST and PUT /-/reload, without a body: 200 when `reload` gives OK, otherwise 500 with its
// message. `reload` must be thread-safe.
void AddReloadEndpoint(HttpServer& server, std::function<absl::Status()> reload);

// Adds the gauge alertjoin_build_info: 1, with version, revision, branch and compiler as labels.
// Once per registry.
void AddBuildInfo(prometheus::Registry& registry);

}  // namespace alertjoin
