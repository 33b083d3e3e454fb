#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "ingest-service/rules/rule_learning.h"

namespace alertjoin {

// One metrics source by itself, with threads and connections of its own, and what is learnt from
// its rules. For sources that come and go.
//
// Thread-safe. What is passed in must outlive it.
class LearningSource final : public TransitionListener {
 public:
  // REQUIRES: options that pass MetricsSources::Check.
  LearningSource(const MetricsSourcesOptions& options, SampleSink& sink, RuleCatalog& catalog,
                 prometheus::Registry& registry, const Clock& clock);
  ~LearningSource() override;  // Stops.

  // As MetricsSources::Start.
  absl::Status Start();
  // What becomes of the rules that were learnt.
  enum class Rules {
    kForgotten,
    kKept,  // For another source of the same name.
  };
  // Idempotent: a second call changes nothing.
  void Stop(Rules rules = Rules::kForgotten);

  // As those of MetricsSources.
  void TakeOver(LearningSource& before) { metrics_.TakeOver(before.metrics_); }
  void GiveUpUnanswered(const std::string& why) { metrics_.GiveUpUnanswered(why); }

  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    learning_.OnTransitions(transitions);
  }

 private:
  const std::vector<MetricsSourceOptions> sources_;
  RuleCatalog& catalog_;
  std::atomic<bool> stopped_ = false;
  MetricsSources metrics_;
  RuleLearning learning_;
};

}  // namespace alertjoin
