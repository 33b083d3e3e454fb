#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/query/still_wanted.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Answers CorrelatorService.GetAlertContext, whose comment states the rules; also the errors of
// TableAccess::Read. Where retention has taken the samples, the row's own one is still given.
// A reader sees what is in `scope` (reader_scope.h): any other row is not there. As long as it is
// wanted. Thread-safe.
absl::StatusOr<v1::GetAlertContextResponse> GetAlertContext(
    TableAccess& tables, const RowStore& store, const v1::GetAlertContextRequest& request,
    const Matchers& scope = {}, const StillWanted& still_wanted = AlwaysWanted);

}  // namespace alertjoin
