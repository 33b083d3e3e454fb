#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/join/table_access.h"

namespace alertjoin {

// What one page of series costs at most. A page that meets a limit is shorter than asked for and
// has a next_page_token all the same.
struct SeriesPageLimits {
  size_t series_scanned_max = 100'000;
  // Below the 4 MiB that gRPC clients accept by default. A single series is given all the same.
  size_t bytes_max = 3 << 20;
};

// Answers CorrelatorService.ListSeries and ListQueries, whose comments state the rules; also the
// errors of TableAccess::Read. A reader sees series in `scope` (reader_scope.h), and is shown the
// queries that have one, and told how many of them there are. Thread-safe.
absl::StatusOr<v1::ListSeriesResponse> ListSeries(TableAccess& tables,
                                                  const v1::ListSeriesRequest& request,
                                                  const SeriesPageLimits& limits = {},
                                                  const Matchers& scope = {});
absl::StatusOr<v1::ListQueriesResponse> ListQueries(TableAccess& tables,
                                                    const v1::ListQueriesRequest& request,
                                                    const SeriesPageLimits& limits = {},
                                                    const Matchers& scope = {});

}  // namespace alertjoin
