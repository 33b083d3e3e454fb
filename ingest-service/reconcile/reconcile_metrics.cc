#include "ingest-service/reconcile/reconcile_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

const char* NameOf(LeftOut why) {
  switch (why) {
    case LeftOut::kRelabelled:
      return "relabelled";
    case LeftOut::kUnknownStart:
      return "unknown_start";
    case LeftOut::kTooManyAlerts:
      return "too_many_alerts";
    case LeftOut::kOverLimit:
      return "over_limit";
  }
  return "other";
}

}  // namespace

ReconcileMetrics::ReconcileMetrics(prometheus::Registry& registry)
    : transitions_(CounterFamily(registry, "alertjoin_reconcile_transitions_total",
                                 "Transitions of an alert source by who has seen them.")),
      polls_(CounterFamily(registry, "alertjoin_reconcile_polls_total",
                           "Polls of the alerts of a metrics source by outcome.")),
      left_out_(CounterFamily(registry, "alertjoin_reconcile_left_out_total",
                              "Transitions that were found and not added, by reason.")),
      rough_ends_(CounterFamily(registry, "alertjoin_reconcile_rough_ends_total",
                                "Ends of alerts that are known to the poll's resolution only.")),
      add_failures_(CounterFamily(registry, "alertjoin_reconcile_add_failures_total",
                                  "Attempts to add transitions that the spool refused.")),
      alerts_(GaugeFamily(registry, "alertjoin_reconcile_alerts",
                          "Alerts that a metrics source has now, by state.")),
      through_(GaugeFamily(registry, "alertjoin_reconcile_through_seconds",
                           "How far the alerts' history of a metrics source has been read.")) {}

ReconcileMetrics::Seen ReconcileMetrics::SeenOf(const std::string& alert_source) {
  const auto counter = [&](const char* found) -> prometheus::Counter& {
    return transitions_.Add({{"source", alert_source}, {"found", found}});
  };
  return {counter("both"),
          counter("reconciliation_only"),
          counter("webhook_later"),
          counter("webhook_only"),
          counter("within_another"),
          left_out_.Add({{"source", alert_source}, {"reason", "too_many_waiting"}})};
}

void ReconcileMetrics::CountPoll(const std::string& source, const std::string& outcome) {
  polls_.Add({{"source", source}, {"outcome", outcome}}).Increment();
}

void ReconcileMetrics::CountLeftOut(const std::string& source, LeftOut why, size_t count) {
  if (count == 0) return;
  left_out_.Add({{"source", source}, {"reason", NameOf(why)}})
      .Increment(static_cast<double>(count));
}

void ReconcileMetrics::CountRoughEnd(const std::string& source) {
  rough_ends_.Add({{"source", source}}).Increment();
}

void ReconcileMetrics::CountAddFailure(const std::string& source) {
  add_failures_.Add({{"source", source}}).Increment();
}

void ReconcileMetrics::SetAlerts(const std::string& source, size_t pending, size_t firing) {
  MutexLock lock(mutex_);
  OfSource& gauges = by_source_[source];
  if (!gauges.pending) {
    gauges.pending = OwnedGauge(alerts_, {{"source", source}, {"state", "pending"}});
    gauges.firing = OwnedGauge(alerts_, {{"source", source}, {"state", "firing"}});
  }
  gauges.pending.Set(static_cast<double>(pending));
  gauges.firing.Set(static_cast<double>(firing));
}

void ReconcileMetrics::SetThrough(const std::string& source, double seconds) {
  MutexLock lock(mutex_);
  OwnedGauge& gauge = by_source_[source].through;
  if (!gauge) gauge = OwnedGauge(through_, {{"source", source}});
  gauge.Set(seconds);
}

}  // namespace alertjoin
