#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/config/yaml_reader.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// Requests a second.
constexpr int64_t kBackfillRateMost = 1000;

// Reads `backfill` of a metrics source that has these queries; nothing when it is absent. Faults go
// to the document.
std::optional<BackfillTerms> ReadBackfill(YamlNode node, const std::vector<QueryOptions>& queries);

}  // namespace alertjoin
