#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/time/timestamp.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// A Grafana whose Prometheus data sources are metrics sources each.
struct GrafanaOptions {
  std::string name;
  std::string url;  // Base, with a sub-path if there is one.
  // How Grafana and everything through its proxy is asked, and what of each data source; its name
  // and addresses are not used.
  MetricsSourceOptions terms;
  Millis interval = std::chrono::minutes(5);  // Between two looks at the list.
  // Names of data sources, as RE2 expressions that match the whole name. Empty: every name, none.
  std::string include;
  std::string exclude;
  // Asked for when neither of Grafana's lists can be had.
  std::vector<std::string> uids;
};

}  // namespace alertjoin
