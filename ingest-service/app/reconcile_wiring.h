#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "common/time/clock.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/same_options.h"
#include "ingest-service/reconcile/reconciler.h"

namespace alertjoin {

// What is reconciled, and how.
struct Reconciled {
  ReconcileOptions terms;
  std::string state_path;
  // None where reconciliation is switched off. Each names its alert source.
  std::vector<MetricsSourceOptions> sources;

  friend bool operator==(const Reconciled& a, const Reconciled& b) {
    return a.terms == b.terms && a.state_path == b.state_path && SameSources(a.sources, b.sources);
  }
};

// What a configuration asks for. `found` are the data sources of Grafanas that are there now.
Reconciled ReconciledBy(const IngestConfig& config, const std::vector<MetricsSourceOptions>& found);

// A reconciler with connections of its own, so that it can end while the metrics sources go on.
// Thread-safe, but for Start and Stop. What is passed in must outlive it.
class WiredReconciler final : public TransitionListener {
 public:
  // Not started.
  WiredReconciler(const Reconciled& wanted, TransitionIntake& intake, const Clock& clock,
                  prometheus::Registry& registry);
  ~WiredReconciler() override;  // Stops.

  // Called once.
  void Start() { reconciler_.Start(); }
  // Another one may go on from there. Idempotent.
  void Stop();

  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    reconciler_.OnTransitions(transitions);
  }

 private:
  CurlHttpTransport transport_;
  std::vector<std::unique_ptr<HttpClient>> http_;
  std::vector<std::unique_ptr<PrometheusClient>> clients_;
  Reconciler reconciler_;
};

}  // namespace alertjoin
