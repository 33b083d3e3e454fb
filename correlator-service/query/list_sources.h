#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Answers CorrelatorService.ListSources, whose comment states the rules. A page token outlives a
// restart. Thread-safe.
absl::StatusOr<v1::ListSourcesResponse> ListSources(const RowStore& store,
                                                    const v1::ListSourcesRequest& request);

}  // namespace alertjoin
