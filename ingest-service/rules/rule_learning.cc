#include "ingest-service/rules/rule_learning.h"

#include <algorithm>

namespace alertjoin {

RuleLearning::RuleLearning(const std::vector<MetricsSourceOptions>& sources,
                           MetricsSources& metrics, RuleCatalog& catalog,
                           prometheus::Registry& registry, const Clock& clock)
    : metrics_(metrics),
      loop_("rule-learning", clock),
      polls_(sources, {metrics, clock, registry}),
      refresher_({catalog, polls_, loop_, clock, registry}) {
  for (size_t i = 0; i < sources.size(); ++i) refresher_.AddSource(sources[i], metrics.client(i));
  // A task of no effect of its own: after it comes the step.
  polls_.SetWake([this] { loop_.Post([] {}); });
}

RuleLearning::~RuleLearning() { Stop(); }

void RuleLearning::Start() {
  loop_.Start([this] {
    const Timestamp next = refresher_.Step();
    return std::min(next, polls_.Step());
  });
}

void RuleLearning::OnTransitions(std::span<const TransitionEvent> transitions) {
  metrics_.OnTransitions(transitions);
  polls_.OnTransitions(transitions);
}

}  // namespace alertjoin
