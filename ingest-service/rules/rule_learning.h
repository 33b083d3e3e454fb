#pragma once

#include <prometheus/registry.h>

#include <vector>

#include "common/time/clock.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "ingest-service/prometheus/task_loop.h"
#include "ingest-service/rules/learnt_polls.h"
#include "ingest-service/rules/rule_catalog.h"
#include "ingest-service/rules/rule_refresher.h"

namespace alertjoin {

// Learns the alerting rules of metrics sources and has their queries polled when that is called
// for. One thread.
//
// Thread-safe. What is passed in must outlive it; the metrics sources must be stopped before it is
// destroyed.
class RuleLearning final : public TransitionListener {
 public:
  // REQUIRES: the very sources that `metrics` has, in that order.
  RuleLearning(const std::vector<MetricsSourceOptions>& sources, MetricsSources& metrics,
               RuleCatalog& catalog, prometheus::Registry& registry,
               const Clock& clock = SystemClock());
  ~RuleLearning() override;  // Stops.

  // Called once. The first rules are there some time after it.
  void Start();
  // Idempotent.
  void Stop() { loop_.Stop(); }

  // Tells the metrics sources, too.
  void OnTransitions(std::span<const TransitionEvent> transitions) override;

 private:
  MetricsSources& metrics_;
  TaskLoop loop_;
  LearntPolls polls_;
  RuleRefresher refresher_;
};

}  // namespace alertjoin
