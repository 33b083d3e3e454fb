#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/net/http_server.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

// Adds GET /metrics (Prometheus text format of the registry), GET /-/healthy (200 while the process
// serves) and GET /-/ready (200 when `ready` gives OK, otherwise 503 with its message). The
// registry must outlive the server; `ready` must be thread-safe.
void AddAdminEndpoints(HttpServer& server, const prometheus::Registry& registry,
                       std::function<absl::Status()> ready);

// Adds the gauge alertjoin_build_info: 1, with version, revision, branch and compiler as labels.
// Once per registry.
void AddBuildInfo(prometheus::Registry& registry);

}  // namespace alertjoin
