#include "ingest-service/app/ingest_app.h"

#include <prometheus/registry.h>

#include <atomic>

#include "common/eventlog/rocksdb_event_log.h"
#include "common/log/log.h"
#include "common/net/admin_endpoints.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "ingest-service/alertmanager/webhook.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/uplink/uplink.h"

namespace alertjoin {
namespace {

constexpr auto kDrainTimeout = std::chrono::seconds(2);

// The spool as the place where samples go.
class SpoolSink final : public SampleSink {
 public:
  explicit SpoolSink(Spool& spool) : spool_(spool) {}
  absl::Status Append(std::span<const Event> events) override {
    return spool_.AppendSamples(events).status();
  }

 private:
  Spool& spool_;
};

RuleBinderOptions BinderOptionsOf(const IngestConfig& config) {
  RuleBinderOptions options;
  for (const MetricsSourceOptions& source : config.metrics_sources) {
    options.sources.push_back({source.name, source.url, source.external_url});
    for (const QueryOptions& query : source.queries) {
      options.queries.push_back({source.name, query.name, query.expression});
    }
  }
  options.rules = config.bindings;
  return options;
}

MetricsSourcesOptions MetricsOptionsOf(const IngestConfig& config) {
  MetricsSourcesOptions options;
  options.sources = config.metrics_sources;
  return options;
}

UplinkOptions UplinkOptionsOf(const IngestConfig& config) {
  UplinkOptions options;
  options.address = config.correlator_address;
  options.producer_id = config.producer_id;
  options.version = ALERTJOIN_VERSION;
  return options;
}

WebhookOptions WebhookOptionsOf(const IngestConfig& config) {
  WebhookOptions options;
  options.sources = config.alert_sources;
  options.value_annotation = config.value_annotation;
  return options;
}

// A failed log ends the service: only a restart can tell what the disk has kept.
absl::StatusOr<std::unique_ptr<RocksdbEventLog>> OpenSpool(const IngestConfig& config) {
  RocksdbEventLog::Options options;
  options.folder = config.spool_path;
  options.bytes_max = config.spool_bytes_max;
  options.on_failure = [](const absl::Status& status) {
    LogError("the spool has failed: stopping", {{"error", MessageOf(status)}});
    RequestStop();
  };
  return RocksdbEventLog::Open(std::move(options));
}

HttpServerOptions HttpOptionsOf(const IngestConfig& config, prometheus::Registry& registry) {
  HttpServerOptions options;
  options.listen_address = config.http_listen_address;
  options.observer = CountHttpRequests(registry);
  options.threads = 64;  // A webhook holds its thread until it is synced; many share one sync.
  return options;
}

}  // namespace

// In the order of construction: each part uses only those above it.
struct IngestApp::Parts {
  Parts(const IngestConfig& config, std::unique_ptr<RocksdbEventLog> opened)
      : log(std::move(opened)),
        spool(*log, config.spool_bytes_max),
        sink(spool),
        uplink(UplinkOptionsOf(config), spool, SystemClock(), registry),
        metrics(MetricsOptionsOf(config), sink, registry, SystemClock()),
        http(HttpOptionsOf(config, registry)) {}

  prometheus::Registry registry;
  std::atomic<bool> stopping = false;
  std::unique_ptr<RocksdbEventLog> log;
  Spool spool;
  SpoolSink sink;
  Uplink uplink;
  MetricsSources metrics;
  std::unique_ptr<RuleBinder> binder;
  std::unique_ptr<Webhook> webhook;
  HttpServer http;
};

IngestApp::IngestApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<IngestApp>> IngestApp::Start(const IngestConfig& config) {
  RETURN_IF_ERROR(MetricsSources::Check(MetricsOptionsOf(config)));
  ASSIGN_OR_RETURN(auto log, OpenSpool(config));
  auto app =
      std::unique_ptr<IngestApp>(new IngestApp(std::make_unique<Parts>(config, std::move(log))));
  Parts& parts = *app->parts_;
  ASSIGN_OR_RETURN(parts.binder, RuleBinder::Create(BinderOptionsOf(config), parts.registry));
  parts.webhook = std::make_unique<Webhook>(WebhookOptionsOf(config), *parts.binder, parts.spool,
                                            parts.metrics, SystemClock(), parts.registry);
  parts.webhook->AddTo(parts.http);
  AddBuildInfo(parts.registry);
  AddAdminEndpoints(parts.http, parts.registry, [&parts]() -> absl::Status {
    if (parts.stopping) return absl::UnavailableError("stopping");
    return parts.log->health();
  });
  parts.uplink.Start();
  RETURN_IF_ERROR(parts.metrics.Start());
  RETURN_IF_ERROR(parts.http.Start());
  LogInfo("ingest-service is ready for webhooks",
          {{"version", ALERTJOIN_VERSION},
           {"http_port", std::to_string(app->http_port())},
           {"correlator", config.correlator_address},
           {"spool", config.spool_path},
           {"spooled_events", std::to_string(parts.spool.waiting())},
           {"metrics_sources", std::to_string(config.metrics_sources.size())}});
  return app;
}

IngestApp::~IngestApp() { Stop(); }

absl::Status IngestApp::health() const { return parts_->log->health(); }
int IngestApp::http_port() const { return parts_->http.port(); }

void IngestApp::Stop() {
  Parts& parts = *parts_;
  parts.stopping = true;
  parts.http.Stop();
  parts.metrics.Stop();
  // What is left waits on the disk for the next start; less is better.
  if (parts.uplink.connected()) {
    parts.spool.WaitAcknowledged(LogPosition(parts.spool.bounds().next.value() - 1),
                                 SystemClock().SteadyNow() + kDrainTimeout);
  }
  parts.uplink.Stop();
}

}  // namespace alertjoin
