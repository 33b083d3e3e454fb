#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "common/metrics/owned_gauge.h"
#include "common/net/backoff.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/rules/learnt_polls.h"
#include "ingest-service/rules/rule_catalog.h"

namespace alertjoin {

// Reads the alerting rules of every metrics source at its LearnOptions::refresh, and publishes
// them. A source that fails keeps the rules it had; that is counted, logged once until it is well
// again, and tried again with backoff. Sources do not wait for each other.
//
// Everything, the constructor and AddSource apart, runs on the executor's thread. What is passed in
// must outlive it, and no client may call back once it is gone.
class RuleRefresher {
 public:
  struct Environment {
    RuleCatalog& catalog;
    LearntPolls& polls;
    Executor& executor;
    const Clock& clock;
    prometheus::Registry& registry;
  };

  explicit RuleRefresher(Environment environment);

  // REQUIRES: before the first Step.
  void AddSource(const MetricsSourceOptions& options, PrometheusClient& client);

  // Starts every reading that is due. Gives when the next one will be; the end of a reading may
  // make that earlier.
  Timestamp Step();

 private:
  struct Source {
    std::string name;
    Millis refresh;
    PrometheusClient& client;
    Backoff backoff;
    prometheus::Counter& read;
    prometheus::Counter& failed;
    OwnedGauge rules;
    OwnedGauge left_out;
    Timestamp due = Timestamp::Min();
    bool under_way = false;
    bool failing = false;
  };

  void Start(Source& source);
  void Finish(Source& source, const absl::StatusOr<RuleList>& rules);
  static void OnFailure(Source& source, const absl::Status& status, Timestamp now);

  const Environment environment_;
  prometheus::Family<prometheus::Counter>& refreshes_;
  prometheus::Family<prometheus::Gauge>& rules_;
  prometheus::Family<prometheus::Gauge>& left_out_;
  std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace alertjoin
