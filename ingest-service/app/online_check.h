#pragma once

#include "absl/status/status.h"
#include "common/service/service_main.h"
#include "ingest-service/app/ingest_config.h"

namespace alertjoin {

// Asks every server that the configuration names, as the service would: the correlator whether it
// serves and would take events from us, each Grafana for its data sources, and of each metrics
// source every configured query, the alerting rules, and where it is reconciled what that needs.
// Prints a line for each, with OK or FAILED and why. FAILED_PRECONDITION, with the number of
// failures, when there are any. No event is made. Blocks, for a source's timeout at most for each
// of its answers.
absl::Status CheckOnline(const IngestConfig& config, const PrintLine& print);

}  // namespace alertjoin
