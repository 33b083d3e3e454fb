#pragma once

#include <vector>

#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// Whether two configurations of a metrics source say the same in every member, secrets included.
bool SameSource(const MetricsSourceOptions& a, const MetricsSourceOptions& b);
bool SameSources(const std::vector<MetricsSourceOptions>& a,
                 const std::vector<MetricsSourceOptions>& b);

}  // namespace alertjoin
