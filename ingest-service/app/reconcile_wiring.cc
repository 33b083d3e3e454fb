#include "ingest-service/app/reconcile_wiring.h"

#include <utility>

namespace alertjoin {
namespace {

ReconcilerOptions OptionsOf(const IngestConfig& config) {
  ReconcilerOptions options;
  options.state_path = config.spool_path + "/reconcile.json";
  options.ledger.wait = config.reconcile.wait;
  return options;
}

}  // namespace

WiredReconciler::WiredReconciler(const IngestConfig& config, TransitionIntake& intake,
                                 const Clock& clock, prometheus::Registry& registry)
    : reconciler_(
          OptionsOf(config),
          [&intake](std::vector<TransitionEvent> found) { return intake.Take(std::move(found)); },
          clock, registry) {
  for (const MetricsSourceOptions& source : config.metrics_sources) {
    if (!source.reconcile) continue;
    SourceReconcilerOptions added;
    added.source = source.name;
    added.alert_source =
        source.alert_source.empty() ? config.alert_sources.front() : source.alert_source;
    added.url = source.external_url.empty() ? source.url : source.external_url;
    added.interval = config.reconcile.interval;
    added.first_lookback = config.reconcile.lookback;
    added.settle_delay = source.settle_delay;
    added.lookback = source.lookback;
    http_.push_back(std::make_unique<HttpClient>(source.http, transport_, clock));
    clients_.push_back(std::make_unique<PrometheusClient>(
        PrometheusClientOptions{source.name, source.url, source.timeout, {}}, *http_.back()));
    reconciler_.AddSource(std::move(added), *clients_.back());
  }
}

WiredReconciler::~WiredReconciler() { Stop(); }

void WiredReconciler::Stop() {
  reconciler_.Stop();
  // What it breaks off is posted to a loop that has ended.
  transport_.Stop();
}

}  // namespace alertjoin
