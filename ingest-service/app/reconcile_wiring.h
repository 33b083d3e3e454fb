#pragma once

#include <prometheus/registry.h>

#include <memory>

#include "common/time/clock.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "ingest-service/reconcile/reconciler.h"

namespace alertjoin {

// The reconciler that the configuration asks for, not started; null when it asks for none. What is
// passed in must outlive it. REQUIRES: `metrics` has the sources of the configuration.
std::unique_ptr<Reconciler> MakeReconciler(const IngestConfig& config, MetricsSources& metrics,
                                           TransitionIntake& intake, const Clock& clock,
                                           prometheus::Registry& registry);

}  // namespace alertjoin
