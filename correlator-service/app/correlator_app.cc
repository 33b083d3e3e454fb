#include "correlator-service/app/correlator_app.h"

#include <prometheus/registry.h>

#include <atomic>
#include <chrono>

#include "common/log/log.h"
#include "common/net/admin_endpoints.h"
#include "common/net/grpc_server.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "correlator-service/intake/ingest_service_impl.h"
#include "correlator-service/pipeline/pipeline.h"
#include "correlator-service/query/correlator_service.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_hub.h"

namespace alertjoin {
namespace {

constexpr auto kShutdownDeadline = std::chrono::seconds(5);

PipelineOptions PipelineOptionsOf(const CorrelatorConfig& config) {
  PipelineOptions options;
  options.engine.series_max = config.series_max;
  options.engine.rows_max = config.rows_max;
  options.engine.sample_bytes_max = config.sample_bytes_max;
  options.engine.series_bytes_max = config.series_bytes_max;
  options.engine.row_bytes_max = config.row_bytes_max;
  options.sample_retention = config.sample_retention;
  options.row_retention = config.row_retention;
  return options;
}

HttpServerOptions HttpOptionsOf(const CorrelatorConfig& config, prometheus::Registry& registry) {
  HttpServerOptions options;
  options.listen_address = config.http_listen_address;
  options.observer = CountHttpRequests(registry);
  return options;
}

}  // namespace

// In the order of construction: each part uses only those above it.
struct CorrelatorApp::Parts {
  explicit Parts(const CorrelatorConfig& config)
      : store(registry),
        hub(store, SystemClock(), registry, {.subscribers_max = config.subscribers_max}),
        pipeline(PipelineOptionsOf(config), store, SystemClock(), registry),
        ingest(pipeline, store.store_id(), SystemClock(), registry),
        correlator(store, hub, SystemClock(), registry),
        http(HttpOptionsOf(config, registry)) {}

  prometheus::Registry registry;
  std::atomic<bool> ready = false;
  MemoryRowStore store;
  SubscriptionHub hub;
  Pipeline pipeline;
  IngestServiceImpl ingest;
  CorrelatorServiceImpl correlator;
  RunningGrpcServer grpc;
  HttpServer http;
};

CorrelatorApp::CorrelatorApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<CorrelatorApp>> CorrelatorApp::Start(
    const CorrelatorConfig& config) {
  auto app = std::unique_ptr<CorrelatorApp>(new CorrelatorApp(std::make_unique<Parts>(config)));
  Parts& parts = *app->parts_;
  AddBuildInfo(parts.registry);
  AddAdminEndpoints(parts.http, parts.registry, [&parts] {
    return parts.ready ? absl::OkStatus() : absl::UnavailableError("starting or stopping");
  });
  parts.pipeline.Start();
  GrpcServerOptions grpc;
  grpc.listen_address = config.grpc_listen_address;
  grpc.services = {&parts.ingest, &parts.correlator};
  grpc.service_names = {"alertjoin.v1.IngestService", "alertjoin.v1.CorrelatorService"};
  ASSIGN_OR_RETURN(parts.grpc, StartGrpcServer(grpc));
  RETURN_IF_ERROR(parts.http.Start());
  parts.ready = true;
  LogInfo("correlator-service is ready", {{"version", ALERTJOIN_VERSION},
                                          {"grpc_port", std::to_string(app->grpc_port())},
                                          {"http_port", std::to_string(app->http_port())},
                                          {"store_id", parts.store.store_id()}});
  return app;
}

CorrelatorApp::~CorrelatorApp() { Stop(); }

int CorrelatorApp::grpc_port() const { return parts_->grpc.port; }
int CorrelatorApp::http_port() const { return parts_->http.port(); }

void CorrelatorApp::Stop() {
  Parts& parts = *parts_;
  parts.ready = false;
  if (parts.grpc.server != nullptr) {
    if (auto* const health = parts.grpc.server->GetHealthCheckService()) {
      health->SetServingStatus(false);
    }
  }
  // Streams first: the server's Shutdown waits for them.
  parts.ingest.Stop();
  parts.hub.Stop();
  if (parts.grpc.server != nullptr) {
    parts.grpc.server->Shutdown(std::chrono::system_clock::now() + kShutdownDeadline);
    parts.grpc.server->Wait();
  }
  parts.pipeline.Stop();
  parts.http.Stop();
}

}  // namespace alertjoin
