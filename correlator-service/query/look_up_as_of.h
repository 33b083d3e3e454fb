#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/query/list_series.h"

namespace alertjoin {

// Answers CorrelatorService.LookUpAsOf, whose comment states the rules; also the errors of
// TableAccess::Read. `now` stands in for a time that is not given. A reader sees series in
// `scope` (reader_scope.h). Thread-safe.
absl::StatusOr<v1::LookUpAsOfResponse> LookUpAsOf(TableAccess& tables,
                                                  const v1::LookUpAsOfRequest& request,
                                                  Timestamp now,
                                                  const SeriesPageLimits& limits = {},
                                                  const Matchers& scope = {});

}  // namespace alertjoin
