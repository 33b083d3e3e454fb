#include "ingest-service/app/ingest_app.h"

#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <iterator>

#include "common/log/log.h"
#include "common/net/admin_endpoints.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/service/listener_check.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "ingest-service/alertmanager/webhook.h"
#include "ingest-service/app/reconcile_wiring.h"
#include "ingest-service/app/service_backfill.h"
#include "ingest-service/app/spool_lanes.h"
#include "ingest-service/app/tell_again.h"
#include "ingest-service/app/transition_tee.h"
#include "ingest-service/binding/switched_binder.h"
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/grafana/grafana_sources.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "ingest-service/rules/rule_learning.h"

namespace alertjoin {
namespace {

constexpr auto kDrainTimeout = std::chrono::seconds(2);
constexpr auto kGrafanaAwaited = std::chrono::seconds(5);
// Queries at times before that were asked by the last process, or would come too late.
constexpr Millis kToldAgain = std::chrono::hours(1);

// The lane of the samples as the place where they go.
class LaneSink final : public SampleSink {
 public:
  explicit LaneSink(SampleLane& lane) : lane_(lane) {}
  absl::Status Append(std::span<const Event> events) override { return lane_.Append(events); }

 private:
  SampleLane& lane_;
};

// `found` are the data sources of Grafanas that are there now.
RuleBinderOptions BinderOptionsOf(const IngestConfig& config, const RuleCatalog& catalog,
                                  const std::vector<MetricsSourceOptions>& found) {
  RuleBinderOptions options;
  for (const auto* sources : {&config.metrics_sources, &found}) {
    for (const MetricsSourceOptions& source : *sources) {
      options.sources.push_back({source.name, source.url, source.external_url});
      for (const QueryOptions& query : source.queries) {
        options.queries.push_back({source.name, query.name, query.expression});
      }
    }
  }
  // The others wait for a data source that has their query.
  std::ranges::copy_if(
      config.bindings, std::back_inserter(options.rules), [&options](const BindingRule& rule) {
        return std::ranges::any_of(options.queries, [&rule](const BoundQuery& query) {
          return query.name == rule.query && (rule.source.empty() || rule.source == query.source);
        });
      });
  options.catalog = &catalog;
  return options;
}

MetricsSourcesOptions MetricsOptionsOf(const IngestConfig& config) {
  MetricsSourcesOptions options;
  options.producer_id = config.producer_id;
  options.sources = config.metrics_sources;
  return options;
}

// A failed log ends the service: only a restart can tell what the disk has kept.
SpoolLanes::Options LaneOptionsOf(const IngestConfig& config) {
  SpoolLanes::Options options;
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
  options.observer = CountHttpRequests(registry);
  options.threads = 64;  // A webhook holds its thread until it is synced; many share one sync.
  return options;
}

}  // namespace

// In the order of construction: each part uses only those above it.
struct IngestApp::Parts {
  Parts(const IngestConfig& config, std::unique_ptr<prometheus::Registry> its_registry,
        std::unique_ptr<SpoolLanes> opened)
      : registry(std::move(its_registry)),
        lanes(std::move(opened)),
        sink(lanes->samples()),
        metrics(MetricsOptionsOf(config), sink, *registry, SystemClock()),
        learning(config.metrics_sources, metrics, catalog, *registry, SystemClock()),
        http(HttpOptionsOf(config, *registry)) {}

  const std::unique_ptr<prometheus::Registry> registry;
  std::atomic<bool> stopping = false;
  const std::unique_ptr<SpoolLanes> lanes;
  std::unique_ptr<DeadLetters> dead_letters;
  LaneSink sink;
  MetricsSources metrics;
  RuleCatalog catalog;
  RuleLearning learning;
  std::unique_ptr<SwitchedBinder> binder;
  std::unique_ptr<GrafanaSources> grafana;
  TransitionTee listeners;
  std::unique_ptr<TransitionIntake> intake;
  std::unique_ptr<Reconciler> reconciler;
  std::unique_ptr<Webhook> webhook;
  std::unique_ptr<ServiceBackfill> backfill;  // Null: none is configured.
  HttpServer http;
};

// Alerts are bound to what there is to ask.
void IngestApp::Rebind(const IngestConfig& config, const std::vector<MetricsSourceOptions>& found,
                       Parts& parts) {
  auto binder = RuleBinder::Create(BinderOptionsOf(config, parts.catalog, found), *parts.registry);
  if (binder.ok()) return parts.binder->Switch(*std::move(binder));
  LogError("alerts are not bound to the data sources of Grafana",
           {{"error", MessageOf(binder.status())}});
}

IngestApp::IngestApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<IngestApp>> IngestApp::Start(const IngestConfig& config) {
  RETURN_IF_ERROR(MetricsSources::Check(MetricsOptionsOf(config)));
  auto registry = std::make_unique<prometheus::Registry>();
  RETURN_IF_ERROR(CheckHttpListener(config.listeners, config.http_listen_address));
  ASSIGN_OR_RETURN(auto access, OpenHttpAccess(config.listeners, *registry));
  ASSIGN_OR_RETURN(auto lanes, SpoolLanes::Open(LaneOptionsOf(config), SystemClock(), *registry));
  auto app = std::unique_ptr<IngestApp>(
      new IngestApp(std::make_unique<Parts>(config, std::move(registry), std::move(lanes))));
  Parts& parts = *app->parts_;
  if (access != nullptr) access->Start();
  parts.http.SetAccess(std::move(access));
  ASSIGN_OR_RETURN(parts.dead_letters,
                   DeadLetters::Open(DeadLetterOptionsOf(config), SystemClock(), *parts.registry));
  ASSIGN_OR_RETURN(auto binder,
                   RuleBinder::Create(BinderOptionsOf(config, parts.catalog, {}), *parts.registry));
  parts.binder = std::make_unique<SwitchedBinder>(std::move(binder));
  parts.grafana = std::make_unique<GrafanaSources>(
      config.grafana_sources, parts.learning, parts.sink, parts.catalog, *parts.registry,
      SystemClock(),
      [&parts, config](const std::vector<MetricsSourceOptions>& found) {
        Rebind(config, found, parts);
      },
      config.producer_id);
  parts.intake =
      std::make_unique<TransitionIntake>(*parts.binder, parts.lanes->alerts(), parts.listeners);
  parts.listeners.Add(*parts.grafana);
  parts.reconciler =
      MakeReconciler(config, parts.metrics, *parts.intake, SystemClock(), *parts.registry);
  if (parts.reconciler != nullptr) parts.listeners.Add(*parts.reconciler);
  parts.webhook = std::make_unique<Webhook>(WebhookOptionsOf(config), *parts.intake, SystemClock(),
                                            *parts.registry, parts.dead_letters.get());
  parts.webhook->WatchHeartbeats(config.heartbeats);
  parts.webhook->AddTo(parts.http);
  AddBuildInfo(*parts.registry);
  AddAdminEndpoints(parts.http, *parts.registry, [&parts]() -> absl::Status {
    if (parts.stopping) return absl::UnavailableError("stopping");
    return parts.lanes->health();
  });
  RETURN_IF_ERROR(parts.metrics.Start());
  parts.learning.Start();
  // Before anything is acknowledged, and so maybe trimmed while it is read. What cannot be read is
  // the uplink's to report; new alerts are taken all the same.
  const absl::Status told =
      TellAgain(parts.lanes->alerts(), SystemClock().Now() - kToldAgain, parts.listeners);
  if (!told.ok()) LogWarn("exact queries are not asked again", {{"error", MessageOf(told)}});
  // Alerts that come before are not bound to data sources.
  parts.grafana->Start();
  parts.grafana->WaitUntilLooked(SystemClock().SteadyNow() + kGrafanaAwaited);
  parts.lanes->Start();
  ASSIGN_OR_RETURN(parts.backfill, ServiceBackfill::Start(config, parts.lanes->samples(),
                                                          *parts.registry, SystemClock()));
  if (parts.reconciler != nullptr) parts.reconciler->Start();
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

absl::Status IngestApp::health() const { return parts_->lanes->health(); }
int IngestApp::http_port() const { return parts_->http.port(); }

void IngestApp::Stop() {
  Parts& parts = *parts_;
  parts.stopping = true;
  parts.http.Stop();
  parts.backfill.reset();
  if (parts.reconciler != nullptr) parts.reconciler->Stop();
  if (parts.grafana) parts.grafana->Stop();
  parts.learning.Stop();
  parts.metrics.Stop();
  // What is left waits on the disk for the next start; less is better.
  parts.lanes->Stop(kDrainTimeout);
}

}  // namespace alertjoin
