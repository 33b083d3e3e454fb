#include "ingest-service/app/ingest_app.h"

#include <prometheus/registry.h>

#include <atomic>
#include <tuple>
#include <utility>

#include "common/log/log.h"
#include "common/net/admin_endpoints.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/service/config_reload.h"
#include "common/service/listener_check.h"
#include "common/service/log_config.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "ingest-service/alertmanager/webhook.h"
#include "ingest-service/app/ingest_sources.h"
#include "ingest-service/app/spool_lanes.h"
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/intake/transition_intake.h"

namespace alertjoin {
namespace {

constexpr auto kDrainTimeout = std::chrono::seconds(2);

// A failed log ends the service: only a restart can tell what the disk has kept.
SpoolLanes::Options LaneOptionsOf(const IngestConfig& config, std::shared_ptr<rocksdb::Env> env) {
  SpoolLanes::Options options;
  options.env = std::move(env);
  options.folder = config.spool_path;
  options.alert_bytes_max = config.spool_alert_bytes_max;
  options.sample_bytes_max = config.spool_sample_bytes_max;
  options.uplink.address = config.correlator_address;
  options.uplink.client = config.correlator_client;
  options.uplink.producer_id = config.producer_id;
  options.uplink.version = ALERTJOIN_VERSION;
  options.on_failure = [](const absl::Status& status) {
    LogError("the spool has failed: stopping", {{"error", MessageOf(status)}});
    RequestStop();
  };
  return options;
}

DeadLetters::Options DeadLetterOptionsOf(const IngestConfig& config) {
  return {DeadLetterFolderOf(config), config.dead_letters_count_max, config.dead_letters_bytes_max};
}

WebhookOptions WebhookOptionsOf(const IngestConfig& config) {
  WebhookOptions options;
  options.sources = config.alert_sources;
  options.auth = config.sender_auth;
  options.value_annotation = config.value_annotation;
  return options;
}

HttpServerOptions HttpOptionsOf(const IngestConfig& config, prometheus::Registry& registry) {
  HttpServerOptions options;
  options.listen_address = config.http_listen_address;
  options.insecure = config.listeners.insecure;
  options.checks_hosts = true;
  options.host_names = config.listeners.web_host_names;
  options.observer = CountHttpRequests(registry);
  options.overload_observer = CountHttpOverload(registry);
  options.threads = 64;  // A webhook holds its thread until it is synced; many share one sync.
  return options;
}

// All of them: with one more or less this does not compile.
auto Members(const GrpcClientOptions& options) {
  const auto& [tls, ca_file, cert_file, key_file, server_name, token_file] = options;
  return std::tie(tls, ca_file, cert_file, key_file, server_name, token_file);
}

// What a running service keeps, because it stands on disk or others know it by that.
absl::Status CheckUnchanged(const IngestConfig& now, const IngestConfig& next) {
  const std::pair<const char*, bool> kept[] = {
      {"producer_id", now.producer_id == next.producer_id},
      {"correlator.address", now.correlator_address == next.correlator_address},
      {"correlator.tls_config", Members(now.correlator_client) == Members(next.correlator_client)},
      {"http.listen_address", now.http_listen_address == next.http_listen_address},
      {"spool.path", now.spool_path == next.spool_path},
      {"spool.alert_bytes_max", now.spool_alert_bytes_max == next.spool_alert_bytes_max},
      {"spool.sample_bytes_max", now.spool_sample_bytes_max == next.spool_sample_bytes_max},
      {"dead_letters.count_max", now.dead_letters_count_max == next.dead_letters_count_max},
      {"dead_letters.bytes_max", now.dead_letters_bytes_max == next.dead_letters_bytes_max},
  };
  for (const auto& [key, same] : kept) {
    if (!same) return NeedsRestart(key);
  }
  return absl::OkStatus();
}

}  // namespace

// In the order of construction: each part uses only those above it.
struct IngestApp::Parts {
  Parts(const IngestConfig& its_config, ReadConfig its_read,
        std::unique_ptr<prometheus::Registry> its_registry, std::unique_ptr<SpoolLanes> opened)
      : read(std::move(its_read)),
        registry(std::move(its_registry)),
        lanes(std::move(opened)),
        http(HttpOptionsOf(its_config, *registry)),
        config(its_config),
        reload([this] { return Reload(); }, *registry, SystemClock()) {}

  absl::Status Reload();

  const ReadConfig read;
  const std::unique_ptr<prometheus::Registry> registry;
  std::atomic<bool> stopping = false;
  const std::unique_ptr<SpoolLanes> lanes;
  std::unique_ptr<DeadLetters> dead_letters;
  std::unique_ptr<IngestSources> sources;
  std::unique_ptr<TransitionIntake> intake;
  std::unique_ptr<Webhook> webhook;
  HttpServer http;
  IngestConfig config;  // That holds. Of Start, and then of `reload`.
  ConfigReload reload;
};

absl::Status IngestApp::Parts::Reload() {
  if (stopping) return absl::UnavailableError("the service is stopping");
  if (!read) return absl::FailedPreconditionError("the configuration is of no file");
  ASSIGN_OR_RETURN(const IngestConfig next, read());
  RETURN_IF_ERROR(CheckUnchanged(config, next));
  RETURN_IF_ERROR(sources->Reload(next));
  webhook->Configure(WebhookOptionsOf(next));
  webhook->WatchHeartbeats(next.heartbeats);
  OverrideLogLevel(next.log_level);
  config = next;
  return absl::OkStatus();
}

IngestApp::IngestApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<IngestApp>> IngestApp::Start(const IngestConfig& config,
                                                            ReadConfig read,
                                                            std::shared_ptr<rocksdb::Env> env) {
  OverrideLogLevel(config.log_level);
  auto registry = std::make_unique<prometheus::Registry>();
  RETURN_IF_ERROR(CheckHttpListener(config.listeners, config.http_listen_address));
  ASSIGN_OR_RETURN(auto access, OpenHttpAccess(config.listeners, *registry));
  ASSIGN_OR_RETURN(auto lanes, SpoolLanes::Open(LaneOptionsOf(config, std::move(env)),
                                                SystemClock(), *registry));
  auto app = std::unique_ptr<IngestApp>(new IngestApp(
      std::make_unique<Parts>(config, std::move(read), std::move(registry), std::move(lanes))));
  Parts& parts = *app->parts_;
  if (access != nullptr) access->Start();
  parts.http.SetAccess(std::move(access));
  ASSIGN_OR_RETURN(parts.dead_letters,
                   DeadLetters::Open(DeadLetterOptionsOf(config), SystemClock(), *parts.registry));
  ASSIGN_OR_RETURN(parts.sources,
                   IngestSources::Create(config, *parts.lanes, *parts.registry, SystemClock()));
  parts.intake = std::make_unique<TransitionIntake>(parts.sources->binder(), parts.lanes->alerts(),
                                                    parts.sources->listener());
  parts.webhook = std::make_unique<Webhook>(WebhookOptionsOf(config), *parts.intake, SystemClock(),
                                            *parts.registry, parts.dead_letters.get());
  parts.webhook->WatchHeartbeats(config.heartbeats);
  parts.webhook->AddTo(parts.http);
  AddBuildInfo(*parts.registry);
  AddAdminEndpoints(parts.http, *parts.registry, [&parts]() -> absl::Status {
    if (parts.stopping) return absl::UnavailableError("stopping");
    return parts.lanes->health();
  });
  AddReloadEndpoint(parts.http, [&parts] { return parts.reload.Reload(); });
  // Before anything is acknowledged, and so maybe trimmed while it is read.
  RETURN_IF_ERROR(parts.sources->Start(*parts.intake));
  parts.lanes->Start();
  RETURN_IF_ERROR(parts.http.Start());
  LogInfo("ingest-service is ready for webhooks",
          {{"version", ALERTJOIN_VERSION},
           {"http_port", std::to_string(app->http_port())},
           {"correlator", config.correlator_address},
           {"spool", config.spool_path},
           {"spooled_events", std::to_string(parts.lanes->waiting())},
           {"metrics_sources", std::to_string(config.metrics_sources.size())},
           {"grafana_sources", std::to_string(config.grafana_sources.size())}});
  return app;
}

IngestApp::~IngestApp() { Stop(); }

absl::Status IngestApp::Reload() { return parts_->reload.Reload(); }
absl::Status IngestApp::health() const { return parts_->lanes->health(); }
int IngestApp::http_port() const { return parts_->http.port(); }

void IngestApp::Stop() {
  Parts& parts = *parts_;
  parts.stopping = true;
  if (parts.webhook != nullptr) parts.webhook->RefuseLarge();
  parts.http.Stop();
  if (parts.sources != nullptr) parts.sources->Stop();
  // What is left waits on the disk for the next start; less is better.
  parts.lanes->Stop(kDrainTimeout);
}

}  // namespace alertjoin
