#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "ingest-service/backfill/backfill_plan.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// What someone wants of the past.
struct BackfillWish {
  // The name of a configured query, or PromQL.
  std::string query;
  // For PromQL that is no configured query; empty: the expression itself, as a query that is learnt
  // from a rule is named.
  std::string name;
  Timestamp from;
  Timestamp to;
  std::optional<Millis> step;
};

// The task that the wish is for one source, at `now`. Which query that is:
//   - A plain selector without a step: its raw samples, the same query as the one that is polled.
//   - Anything else: evaluations, the same query as the one that is polled, whatever the step; that
//     of a configured query by default.
//   - A plain selector with a step: evaluations of it. They cannot be of the same query, since
//   those
//     are raw samples: the query is named "selector every step", unless the wish has a name.
// Time that has not settled is left to the polls. INVALID_ARGUMENT when the wish has no task.
absl::StatusOr<BackfillTask> BackfillTaskOf(const MetricsSourceOptions& source,
                                            const BackfillWish& wish, Timestamp now);

}  // namespace alertjoin
