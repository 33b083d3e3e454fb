#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/correlator_service.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/query/fill_page.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Answers CorrelatorService.ListJoinedRows, whose comment states the rules, to a reader who may see
// what is in `scope` (reader_scope.h), as long as it is wanted. Thread-safe.
absl::StatusOr<v1::ListJoinedRowsResponse> ListJoinedRows(
    const RowStore& store, const v1::ListJoinedRowsRequest& request, const ListLimits& limits = {},
    const Matchers& scope = {}, const StillWanted& still_wanted = AlwaysWanted);

}  // namespace alertjoin
