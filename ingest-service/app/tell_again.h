#pragma once

#include "absl/status/status.h"
#include "common/time/timestamp.h"
#include "ingest-service/prometheus/exact_queries.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

// The process that received a transition would have gone on asking for its metrics so long.
constexpr Millis kToldAgainFor = ExactQueriesOptions().give_up_after;

// Tells the listener once more of the transitions in the spool that were received in the last
// kToldAgainFor: an earlier process may have died before it had asked for their metrics. Asking
// twice is harmless. Errors of reading the spool.
absl::Status TellAgain(const Spool& spool, Timestamp now, TransitionListener& listener);

}  // namespace alertjoin
