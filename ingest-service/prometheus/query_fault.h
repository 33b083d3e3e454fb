#pragma once

#include "absl/status/status.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/series_cache.h"

namespace alertjoin {

// Tells those who read the rows that the source refuses the query, once for each reason: polls and
// exact queries share what was told. What the sink does not take is told again by the next failure.
// `status` is why. Gives whether it is another reason than before.
bool ReportFault(SeriesCache& cache, const absl::Status& status, Timestamp now, SampleSink& sink);

// Takes it back, when the query was refused before and is answered now.
void ClearFault(SeriesCache& cache, Timestamp now, SampleSink& sink);

}  // namespace alertjoin
