#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/correlator_service.pb.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// What one page costs at most. A page that meets a limit is shorter than asked for and has a
// next_page_token all the same.
struct ListLimits {
  size_t rows_scanned_max = 100'000;
  // Below the 4 MiB that gRPC clients accept by default. A single row is given all the same.
  size_t bytes_max = 3 << 20;
};

// Answers CorrelatorService.ListJoinedRows, whose comment states the rules. Thread-safe.
absl::StatusOr<v1::ListJoinedRowsResponse> ListJoinedRows(const RowStore& store,
                                                          const v1::ListJoinedRowsRequest& request,
                                                          const ListLimits& limits = {});

}  // namespace alertjoin
