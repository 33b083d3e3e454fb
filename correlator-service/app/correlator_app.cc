#include "correlator-service/app/correlator_app.h"

#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <utility>

#include "common/eventlog/failure_latch.h"
#include "common/log/log.h"
#include "common/net/admin_endpoints.h"
#include "common/net/grpc_callers.h"
#include "common/net/grpc_server.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/net/listener_rule.h"
#include "common/service/config_reload.h"
#include "common/service/listener_check.h"
#include "common/service/log_config.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "correlator-service/app/correlator_data.h"
#include "correlator-service/http/correlator_http.h"
#include "correlator-service/intake/ingest_service_impl.h"
#include "correlator-service/pipeline/pipeline.h"
#include "correlator-service/query/correlator_service.h"
#include "correlator-service/subscribe/subscription_hub.h"

namespace alertjoin {
namespace {

constexpr auto kShutdownDeadline = std::chrono::seconds(5);
constexpr Millis kDrainMost{1000};
constexpr Millis kReplayLogInterval = std::chrono::seconds(5);

PipelineOptions PipelineOptionsOf(const CorrelatorConfig& config) {
  PipelineOptions options;
  options.logger.sample_retention = config.sample_retention;
  options.logger.row_retention = config.row_retention;
  return options;
}

HttpServerOptions HttpOptionsOf(const CorrelatorConfig& config, prometheus::Registry& registry) {
  HttpServerOptions options;
  options.listen_address = config.http_listen_address;
  options.insecure = config.listeners.insecure;
  options.checks_hosts = true;
  options.host_names = config.listeners.web_host_names;
  options.observer = CountHttpRequests(registry);
  options.overload_observer = CountHttpOverload(registry);
  options.streams_max = CorrelatorHttp::kStreamsMax;
  options.body_bytes_max = CorrelatorHttp::kBodyBytesMax;
  return options;
}

// What a running service keeps.
absl::Status CheckUnchanged(const CorrelatorConfig& now, const CorrelatorConfig& next) {
  const std::pair<const char*, bool> kept[] = {
      {"grpc.listen_address", now.grpc_listen_address == next.grpc_listen_address},
      {"http.listen_address", now.http_listen_address == next.http_listen_address},
      {"data.path", now.data_path == next.data_path},
      {"limits.series", now.series_max == next.series_max},
      {"limits.rows", now.rows_max == next.rows_max},
      {"limits.source_series", now.source_series_max == next.source_series_max},
      {"limits.source_alerts", now.source_alerts_max == next.source_alerts_max},
      {"limits.sample_bytes", now.sample_bytes_max == next.sample_bytes_max},
      {"limits.series_bytes", now.series_bytes_max == next.series_bytes_max},
      {"limits.row_bytes", now.row_bytes_max == next.row_bytes_max},
      {"limits.log_bytes", now.log_bytes_max == next.log_bytes_max},
      {"limits.change_log_bytes", now.change_log_bytes_max == next.change_log_bytes_max},
  };
  for (const auto& [key, same] : kept) {
    if (!same) return NeedsRestart(key);
  }
  return absl::OkStatus();
}

// How far the start has come, for /-/ready.
class Readiness {
 public:
  void Replaying(LogPosition at, LogPosition end) {
    replayed_ = at.value();
    replay_end_ = end.value() - 1;
  }
  void Set(bool ready) { ready_ = ready; }

  absl::Status Check() const {
    if (ready_) return absl::OkStatus();
    const uint64_t end = replay_end_;
    if (end == 0) return absl::UnavailableError("starting or stopping");
    return absl::UnavailableError(
        fmt::format("replaying the event log: record {} of {}", replayed_.load(), end));
  }

 private:
  std::atomic<bool> ready_ = false;
  std::atomic<uint64_t> replayed_ = 0;
  std::atomic<uint64_t> replay_end_ = 0;
};

}  // namespace

// In the order of construction: each part uses only those above it.
struct CorrelatorApp::Parts {
  Parts(const CorrelatorConfig& its_config, ReadConfig its_read,
        std::shared_ptr<rocksdb::Env> its_env)
      : read(std::move(its_read)),
        env(std::move(its_env)),
        http(HttpOptionsOf(its_config, registry)),
        config(its_config),
        reload([this] { return Reload(); }, registry, SystemClock()) {}

  // What serves, once the data is there.
  struct Services {
    Services(const CorrelatorConfig& config, CorrelatorData& data, prometheus::Registry& registry,
             GrpcCallers& callers, std::function<void(const absl::Status&)> on_failure)
        : hub(data.store(), SystemClock(), registry, {.subscribers_max = config.subscribers_max}),
          pipeline(PipelineOptionsOf(config), data.engine(), data.log(), data.store(),
                   SystemClock(), registry, std::move(on_failure)),
          ingest(pipeline, data.store().store_id(), SystemClock(), registry,
                 {.sample_retention = config.sample_retention, .callers = &callers}),
          samples(data.log()),
          correlator(data.store(), pipeline.tables(), samples, hub, SystemClock(), {}, &callers) {
      data.log().RaiseOnAppend(hub.signal());
    }

    SubscriptionHub hub;
    Pipeline pipeline;
    IngestServiceImpl ingest;
    SampleReaders samples;
    CorrelatorServiceImpl correlator;
    RunningGrpcServer grpc;
  };

  absl::Status Recover();
  absl::Status Serve();
  absl::Status Reload();
  void OnFailure(const absl::Status& status) EXCLUDES_LOCK(health_mutex);
  void SetHealth(grpc::HealthCheckServiceInterface* its_health) EXCLUDES_LOCK(health_mutex);

  const ReadConfig read;
  const std::shared_ptr<rocksdb::Env> env;
  prometheus::Registry registry;
  Readiness readiness;
  // The first failure of log, rows or pipeline ends the service.
  FailureLatch failure{[this](const absl::Status& status) { OnFailure(status); }};
  Mutex health_mutex;
  grpc::HealthCheckServiceInterface* health GUARDED_BY(health_mutex) = nullptr;  // Of the server.
  GrpcCallers callers;
  CorrelatorHttp api{SystemClock(), &callers};
  HttpServer http;
  std::unique_ptr<CorrelatorData> data;
  std::unique_ptr<Services> services;
  CorrelatorConfig config;  // That holds. Of the start, and then of `reload`.
  ConfigReload reload;
};

CorrelatorApp::CorrelatorApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

// Who asks is told at once: the stop may have to wait for what is under way.
void CorrelatorApp::Parts::OnFailure(const absl::Status& status) {
  LogError("events can be kept no more: stopping", {{"error", MessageOf(status)}});
  {
    MutexLock lock(health_mutex);
    if (health != nullptr) health->SetServingStatus(false);
  }
  RequestStop();
}

void CorrelatorApp::Parts::SetHealth(grpc::HealthCheckServiceInterface* its_health) {
  MutexLock lock(health_mutex);
  health = its_health;
  if (health != nullptr && !failure.failure().ok()) health->SetServingStatus(false);
}

absl::Status CorrelatorApp::Parts::Recover() {
  CorrelatorData::Options options;
  options.folder = config.data_path;
  options.log_bytes_max = config.log_bytes_max;
  options.change_log_bytes_max = config.change_log_bytes_max;
  options.limits = EngineLimitsOf(config);
  options.on_failure = [this](const absl::Status& status) { failure.Latch(status); };
  options.env = env;
  ASSIGN_OR_RETURN(data, CorrelatorData::Open(std::move(options), registry));
  const auto start = std::chrono::steady_clock::now();
  LogLimiter limiter(kReplayLogInterval);
  RETURN_IF_ERROR(data->Recover([&](LogPosition at, LogPosition end) {
    readiness.Replaying(at, end);
    if (limiter.Allow()) {
      LogInfo("replaying the event log",
              {{"record", std::to_string(at.value())}, {"end", std::to_string(end.value() - 1)}});
    }
    return !StopRequested();
  }));
  const EngineStats stats = data->engine().stats();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  LogInfo("recovered", {{"rows", std::to_string(stats.rows)},
                        {"series", std::to_string(stats.series)},
                        {"samples", std::to_string(stats.samples_new + stats.samples_late)},
                        {"seconds", fmt::format("{:.3f}", elapsed.count())}});
  return absl::OkStatus();
}

absl::Status CorrelatorApp::Parts::Serve() {
  services =
      std::make_unique<Services>(config, *data, registry, callers,
                                 [this](const absl::Status& status) { failure.Latch(status); });
  services->ingest.Restore(data->log().Producers());
  services->pipeline.Start();
  GrpcServerOptions options;
  ASSIGN_OR_RETURN(options.access, OpenGrpcAccess(config.listeners, registry));
  options.callers = &callers;
  options.listen_address = config.grpc_listen_address;
  options.insecure = config.listeners.insecure;
  options.registry = &registry;
  options.services = {&services->ingest, &services->correlator};
  options.service_names = {"alertjoin.v1.IngestService", "alertjoin.v1.CorrelatorService"};
  ASSIGN_OR_RETURN(services->grpc, StartGrpcServer(options));
  SetHealth(services->grpc.server->GetHealthCheckService());
  api.Open(MakeInProcessChannel(*services->grpc.server),
           {.port = services->grpc.port,
            .tls = options.access != nullptr,
            .loopback = IsLoopback(options.listen_address)});
  return absl::OkStatus();
}

// Before that the tables belong to the start.
absl::Status CorrelatorApp::Parts::Reload() {
  if (!readiness.Check().ok()) return readiness.Check();
  if (!read) return absl::FailedPreconditionError("the configuration is of no file");
  ASSIGN_OR_RETURN(const CorrelatorConfig next, read());
  RETURN_IF_ERROR(CheckUnchanged(config, next));
  services->pipeline.SetRetention(next.sample_retention, next.row_retention);
  services->ingest.SetSampleRetention(next.sample_retention);
  services->hub.SetSubscribersMax(next.subscribers_max);
  OverrideLogLevel(next.log_level);
  config = next;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CorrelatorApp>> CorrelatorApp::Start(
    const CorrelatorConfig& config, ReadConfig read, std::shared_ptr<rocksdb::Env> env) {
  OverrideLogLevel(config.log_level);
  auto app = std::unique_ptr<CorrelatorApp>(
      new CorrelatorApp(std::make_unique<Parts>(config, std::move(read), std::move(env))));
  Parts& parts = *app->parts_;
  // What cannot be served later is told before the long work.
  RETURN_IF_ERROR(CheckHttpListener(config.listeners, config.http_listen_address));
  RETURN_IF_ERROR(CheckGrpcListener(config.listeners, config.grpc_listen_address));
  ASSIGN_OR_RETURN(auto access, OpenHttpAccess(config.listeners, parts.registry));
  if (access != nullptr) access->Start();
  parts.http.SetAccess(std::move(access));
  AddBuildInfo(parts.registry);
  AddAdminEndpoints(parts.http, parts.registry, [&parts] {
    const absl::Status failure = parts.failure.failure();
    return failure.ok() ? parts.readiness.Check() : failure;
  });
  parts.api.AddTo(parts.http);
  AddReloadEndpoint(parts.http, [&parts] { return parts.reload.Reload(); });
  // First, so that the start can be watched.
  RETURN_IF_ERROR(parts.http.Start());
  RETURN_IF_ERROR(parts.Recover());
  RETURN_IF_ERROR(parts.Serve());
  parts.readiness.Set(true);
  LogInfo("correlator-service is ready", {{"version", ALERTJOIN_VERSION},
                                          {"grpc_port", std::to_string(app->grpc_port())},
                                          {"http_port", std::to_string(app->http_port())},
                                          {"data", config.data_path},
                                          {"store_id", parts.data->store().store_id()}});
  return app;
}

CorrelatorApp::~CorrelatorApp() { Stop(); }

absl::Status CorrelatorApp::Reload() { return parts_->reload.Reload(); }

int CorrelatorApp::grpc_port() const { return parts_->services->grpc.port; }
int CorrelatorApp::http_port() const { return parts_->http.port(); }
absl::Status CorrelatorApp::health() const { return parts_->failure.failure(); }

void CorrelatorApp::Stop() {
  Parts& parts = *parts_;
  parts.readiness.Set(false);
  parts.api.Close();
  if (parts.services != nullptr) {
    Parts::Services& services = *parts.services;
    grpc::Server* const server = services.grpc.server.get();
    if (server != nullptr && server->GetHealthCheckService() != nullptr) {
      server->GetHealthCheckService()->SetServingStatus(false);
    }
    parts.SetHealth(nullptr);
    // Streams first: the server's Shutdown waits for them.
    services.ingest.Stop();
    services.hub.Stop();
    // Readers of events over HTTP are told why theirs end; who reads too slowly is not waited for.
    parts.api.Drain(kDrainMost);
    if (server != nullptr) {
      server->Shutdown(std::chrono::system_clock::now() + kShutdownDeadline);
      server->Wait();
    }
    services.pipeline.Stop();
  }
  parts.http.Stop();
}

}  // namespace alertjoin
