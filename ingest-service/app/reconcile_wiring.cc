#include "ingest-service/app/reconcile_wiring.h"

#include <utility>

namespace alertjoin {

std::unique_ptr<Reconciler> MakeReconciler(const IngestConfig& config, MetricsSources& metrics,
                                           TransitionIntake& intake, const Clock& clock,
                                           prometheus::Registry& registry) {
  if (!config.reconcile.enabled) return nullptr;
  ReconcilerOptions options;
  options.state_path = config.spool_path + "/reconcile.json";
  options.ledger.wait = config.reconcile.wait;
  auto reconciler = std::make_unique<Reconciler>(
      std::move(options),
      [&intake](std::vector<TransitionEvent> found) { return intake.Take(std::move(found)); },
      clock, registry);
  for (size_t i = 0; i < config.metrics_sources.size(); ++i) {
    const MetricsSourceOptions& source = config.metrics_sources[i];
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
    reconciler->AddSource(std::move(added), metrics.client(i));
  }
  return reconciler;
}

}  // namespace alertjoin
