#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/alerts.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/query/fill_page.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Answers CorrelatorService.ListAlerts, whose comment states the rules, to a reader who may see
// what is in `scope` (reader_scope.h), as long as it is wanted. Thread-safe.
absl::StatusOr<v1::ListAlertsResponse> ListAlerts(const RowStore& store,
                                                  const v1::ListAlertsRequest& request,
                                                  const ListLimits& limits = {},
                                                  const Matchers& scope = {},
                                                  const StillWanted& still_wanted = AlwaysWanted);

}  // namespace alertjoin
