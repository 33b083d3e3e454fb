#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/query/list_series.h"

namespace alertjoin {

// Answers CorrelatorService.ListSamples, whose comment states the rules; also the errors of
// TableAccess::Read. A reader sees series in `scope` (reader_scope.h). Thread-safe.
absl::StatusOr<v1::ListSamplesResponse> ListSamples(TableAccess& tables,
                                                    const v1::ListSamplesRequest& request,
                                                    const SeriesPageLimits& limits = {},
                                                    const Matchers& scope = {});

}  // namespace alertjoin
