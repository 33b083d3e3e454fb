#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/app/service_backfill.h"
#include "ingest-service/app/spool_lanes.h"
#include "ingest-service/app/switched_reconciler.h"
#include "ingest-service/app/transition_tee.h"
#include "ingest-service/binding/switched_binder.h"
#include "ingest-service/grafana/grafana_sources.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/rules/rule_catalog.h"
#include "ingest-service/rules/source_set.h"

namespace alertjoin {

// All that a configuration says of what is asked for metrics, and that can be exchanged while
// webhooks are taken and spooled: metrics sources, Grafanas, bindings, reconciliation, backfills.
// What a new configuration leaves as it is goes on untouched. What begins anew is told of the
// alerts of the last minutes, which are still in the spool, so that no value at an alert is missed.
//
// Thread-safe, but for Start, Reload and Stop, which are for one thread at a time. What is passed
// in must outlive it.
class IngestSources {
 public:
  // INVALID_ARGUMENT when the bindings cannot work.
  static absl::StatusOr<std::unique_ptr<IngestSources>> Create(const IngestConfig& config,
                                                               SpoolLanes& lanes,
                                                               prometheus::Registry& registry,
                                                               const Clock& clock);
  ~IngestSources();  // Stops.

  // What binds the transitions that are taken, and who is to be told of them. Before Start nothing
  // comes of that.
  const Binder& binder() const { return binder_; }
  TransitionListener& listener() { return listeners_; }

  // What is found goes into the intake, which must live until Stop. Waits a moment for the data
  // sources of Grafanas. REQUIRES: called once, before the uplinks start. INVALID_ARGUMENT and
  // RESOURCE_EXHAUSTED as SourceSet::Prepare and ServiceBackfill::Start.
  absl::Status Start(TransitionIntake& intake);

  // Goes over to a new configuration, of which only what is named above counts. The errors of
  // Create and Start: nothing has changed then. Returns when the new one holds.
  absl::Status Reload(const IngestConfig& next);

  // Returns within moments. Idempotent.
  void Stop();

 private:
  // The lane of the samples as the place where they go.
  class LaneSink final : public SampleSink {
   public:
    explicit LaneSink(SampleLane& lane) : lane_(lane) {}
    absl::Status Append(std::span<const Event> events) override { return lane_.Append(events); }

   private:
    SampleLane& lane_;
  };
  // The data sources that one GrafanaSources has found so far.
  using Found = std::shared_ptr<std::vector<MetricsSourceOptions>>;
  struct Grafana {
    std::shared_ptr<GrafanaSources> sources;
    Found found;
  };

  IngestSources(const IngestConfig& config, std::shared_ptr<const Binder> binder, SpoolLanes& lanes,
                prometheus::Registry& registry, const Clock& clock);

  absl::StatusOr<std::shared_ptr<const Binder>> MakeBinder(
      const IngestConfig& config, const std::vector<MetricsSourceOptions>& found) const;
  Grafana StartGrafana(const IngestConfig& config) EXCLUDES_LOCK(binding_mutex_);
  void OnFound(const Found& of, const std::vector<MetricsSourceOptions>& found)
      EXCLUDES_LOCK(binding_mutex_);
  void Rebind() REQUIRES_LOCK(binding_mutex_);
  // Whoever begins anew hears of what the spool still has.
  void TellAll(TransitionTee::Listeners begun);
  // Goes over to what is to be reconciled now.
  void SwitchReconciler() EXCLUDES_LOCK(binding_mutex_);
  void ExchangeBackfill(const IngestConfig& next);

  SpoolLanes& lanes_;
  prometheus::Registry& registry_;
  const Clock& clock_;
  LaneSink sink_;
  RuleCatalog catalog_;
  SwitchedBinder binder_;
  SourceSet sources_;
  const std::shared_ptr<SwitchedReconciler> reconciler_;
  TransitionTee listeners_;

  // Of Start, Reload and Stop.
  TransitionIntake* intake_ = nullptr;
  IngestConfig config_;
  std::shared_ptr<GrafanaSources> grafana_;
  std::unique_ptr<ServiceBackfill> backfill_;  // Null: none is configured.

  // What the binder and the reconciler follow from. Never held while something is waited for.
  Mutex binding_mutex_;
  IngestConfig bound_ GUARDED_BY(binding_mutex_);
  Found found_ GUARDED_BY(binding_mutex_);
};

}  // namespace alertjoin
