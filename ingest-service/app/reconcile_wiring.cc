#include "ingest-service/app/reconcile_wiring.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace alertjoin {
namespace {

ReconcilerOptions OptionsOf(const Reconciled& wanted) {
  ReconcilerOptions options;
  options.state_path = wanted.state_path;
  options.ledger.wait = wanted.terms.wait;
  return options;
}

SourceReconcilerOptions OptionsOf(const MetricsSourceOptions& source,
                                  const ReconcileOptions& terms) {
  SourceReconcilerOptions options;
  options.source = source.name;
  options.alert_source = source.alert_source;
  options.url = source.external_url.empty() ? source.url : source.external_url;
  options.interval = terms.interval;
  options.first_lookback = terms.lookback;
  options.settle_delay = source.settle_delay;
  options.lookback = source.lookback;
  return options;
}

}  // namespace

Reconciled ReconciledBy(const IngestConfig& config,
                        const std::vector<MetricsSourceOptions>& found) {
  Reconciled wanted{config.reconcile, config.spool_path + "/reconcile.json", {}};
  if (!config.reconcile.enabled) return wanted;
  for (const auto* sources : {&config.metrics_sources, &found}) {
    std::ranges::copy_if(*sources, std::back_inserter(wanted.sources),
                         [](const MetricsSourceOptions& source) { return source.reconcile; });
  }
  for (MetricsSourceOptions& source : wanted.sources) {
    if (source.alert_source.empty()) source.alert_source = config.alert_sources.front();
  }
  return wanted;
}

WiredReconciler::WiredReconciler(const Reconciled& wanted, TransitionIntake& intake,
                                 const Clock& clock, prometheus::Registry& registry)
    : reconciler_(
          OptionsOf(wanted),
          [&intake](std::vector<TransitionEvent> found) { return intake.Take(std::move(found)); },
          clock, registry) {
  for (const MetricsSourceOptions& source : wanted.sources) {
    http_.push_back(std::make_unique<HttpClient>(source.http, transport_, clock));
    clients_.push_back(std::make_unique<PrometheusClient>(
        PrometheusClientOptions{source.name, source.url, source.timeout, {}}, *http_.back()));
    reconciler_.AddSource(OptionsOf(source, wanted.terms), *clients_.back());
  }
}

WiredReconciler::~WiredReconciler() { Stop(); }

void WiredReconciler::Stop() {
  reconciler_.Stop();
  // What it breaks off is posted to a loop that has ended.
  transport_.Stop();
}

}  // namespace alertjoin
