#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/query/list_series.h"
#include "correlator-service/query/still_wanted.h"

namespace alertjoin {

// Answers CorrelatorService.SummarizeSamples, whose comment states the rules; also the errors of
// TableAccess::Read. `now` stands in for an end that is not given. It goes from series to series as
// long as it is wanted. Thread-safe.
absl::StatusOr<v1::SummarizeSamplesResponse> SummarizeSamples(
    TableAccess& tables, const v1::SummarizeSamplesRequest& request, Timestamp now,
    const SeriesPageLimits& limits = {}, const StillWanted& still_wanted = AlwaysWanted);

}  // namespace alertjoin
