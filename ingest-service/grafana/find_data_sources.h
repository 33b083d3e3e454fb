#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/time/clock.h"
#include "ingest-service/grafana/grafana_options.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// The data sources of a Grafana as metrics sources, found by one look (GrafanaDiscovery): for
// programs that run once. Waits for two answers, each for the timeout at most. When nothing tells
// them and no uids are configured, why: UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE or others.
absl::StatusOr<std::vector<MetricsSourceOptions>> FindDataSources(
    const GrafanaOptions& options, const Clock& clock = SystemClock());

}  // namespace alertjoin
