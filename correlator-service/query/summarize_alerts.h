#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/alerts.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/query/still_wanted.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

struct SummaryLimits {
  // Within the range, and in memory at once.
  size_t episodes_max = 1'000'000;
  // Of a page: below the 4 MiB that gRPC clients accept by default. A single group is given all the
  // same.
  size_t bytes_max = 3 << 20;
};

// Answers CorrelatorService.SummarizeAlerts, whose comment states the rules. `now` stands in for an
// end that is not given, and is where episodes that last have come to. It looks at the alerts that
// fired within the range or ended shortly before it, and, when the end of one that began before it
// is not known, at those that have begun since then; a thousand at a time, as long as it is wanted.
// A reader sees alerts in `scope` (reader_scope.h). Thread-safe.
absl::StatusOr<v1::SummarizeAlertsResponse> SummarizeAlerts(
    const RowStore& store, const v1::SummarizeAlertsRequest& request, Timestamp now,
    const SummaryLimits& limits = {}, const Matchers& scope = {},
    const StillWanted& still_wanted = AlwaysWanted);

}  // namespace alertjoin
