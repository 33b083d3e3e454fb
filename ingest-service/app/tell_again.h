#pragma once

#include "absl/status/status.h"
#include "common/time/timestamp.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

// Tells the listener once more of the transitions in the spool that were received at `since` or
// later: an earlier process may have died before it had asked for their metrics. Asking twice is
// harmless. Errors of reading the spool.
absl::Status TellAgain(const Spool& spool, Timestamp since, TransitionListener& listener);

}  // namespace alertjoin
