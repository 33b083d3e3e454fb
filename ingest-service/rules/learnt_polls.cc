#include "ingest-service/rules/learnt_polls.h"

#include <algorithm>
#include <utility>

#include "common/metrics/metric_families.h"
#include "ingest-service/prometheus/promql_operands.h"
#include "ingest-service/prometheus/promql_text.h"

namespace alertjoin {
namespace {

// While the rules of a source are not known, nothing else tells that an alert still fires.
constexpr Millis kFiringUnseen = std::chrono::hours(1);

// A refresh may fail now and then.
Millis UntilSeenAgain(const LearnOptions& options) {
  return std::max(options.around, 3 * options.refresh);
}

}  // namespace

LearntPolls::LearntPolls(const std::vector<MetricsSourceOptions>& sources, Environment environment)
    : environment_(environment) {
  auto& polled = GaugeFamily(environment.registry, "alertjoin_learnt_queries_polled",
                             "Queries learnt from alerting rules that are polled now.");
  auto& refused =
      CounterFamily(environment.registry, "alertjoin_learnt_queries_refused_total",
                    "Times that a learnt query was not polled since others fill the limit.");
  const MutexLock lock(mutex_);
  for (const MetricsSourceOptions& options : sources) {
    Source& source = sources_[options.name];
    source.options = options.learn;
    source.polled = OwnedGauge(polled, {{"source", options.name}});
    source.refused = &refused.Add({{"source", options.name}});
    for (const QueryOptions& query : options.queries) {
      source.configured.emplace(StripParentheses(query.expression));
    }
  }
}

void LearntPolls::OnRules(const std::string& source_name, const RuleList& rules) {
  const Timestamp now = environment_.clock.Now();
  const MutexLock lock(mutex_);
  const auto found = sources_.find(source_name);
  if (found == sources_.end()) return;
  Source& source = found->second;
  source.rules_known = true;
  const LearnOptions& options = source.options;
  if (options.poll == LearnOptions::Poll::kTransitions) return;
  const bool always = options.poll == LearnOptions::Poll::kAlways;
  // Until the next list comes, however late.
  const Timestamp until = always ? Timestamp::Max() : now + UntilSeenAgain(options);
  if (always) {
    for (auto& [expression, old_until] : source.until) old_until = now;
  }
  for (const AlertingRule& rule : rules.rules) {
    if (!always && rule.alerts.empty()) continue;
    for (const ObservedOperand& operand : ObservedOperands(rule.expression)) {
      Want(source, std::string(operand.expression), until);
    }
  }
}

void LearntPolls::OnTransitions(std::span<const TransitionEvent> transitions) {
  const Timestamp now = environment_.clock.Now();
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    for (const TransitionEvent& transition : transitions) WantTransition(transition, now);
    for (const auto& [name, source] : sources_) changed |= source.changed;
  }
  if (changed && wake_) wake_();
}

void LearntPolls::WantTransition(const TransitionEvent& transition, Timestamp now) {
  for (const auto& binding : transition.bindings) {
    const Query& query = binding->query;
    // A configured query has a name of its own, or is known by its expression.
    if (query.name != query.expression) continue;
    const auto found = sources_.find(query.source);
    if (found == sources_.end()) continue;
    Source& source = found->second;
    if (source.options.poll != LearnOptions::Poll::kAroundAlerts) continue;
    Timestamp until = std::min(transition.event_time(), now) + source.options.around;
    if (transition.state == AlertState::kFiring) {
      until = now + (source.rules_known ? UntilSeenAgain(source.options) : kFiringUnseen);
    }
    if (until > now) Want(source, query.expression, until);
  }
}

void LearntPolls::Want(Source& source, const std::string& expression, Timestamp until) {
  const auto known = source.until.find(expression);
  if (known != source.until.end()) {
    known->second = std::max(known->second, until);
    return;
  }
  if (source.configured.contains(expression)) return;
  if (source.until.size() >= source.options.queries_max) return source.refused->Increment();
  source.until.emplace(expression, until);
  source.changed = true;
}

Timestamp LearntPolls::DropOld(Source& source, Timestamp now) {
  Timestamp next = Timestamp::Max();
  for (auto it = source.until.begin(); it != source.until.end();) {
    if (it->second <= now) {
      it = source.until.erase(it);
      source.changed = true;
    } else {
      next = std::min(next, it->second);
      ++it;
    }
  }
  return next;
}

Timestamp LearntPolls::Step() {
  const Timestamp now = environment_.clock.Now();
  Timestamp next = Timestamp::Max();
  std::vector<std::pair<std::string, std::vector<std::string>>> changes;
  {
    const MutexLock lock(mutex_);
    for (auto& [name, source] : sources_) {
      next = std::min(next, DropOld(source, now));
      if (!std::exchange(source.changed, false)) continue;
      source.polled.Set(static_cast<double>(source.until.size()));
      auto& expressions = changes.emplace_back(name, std::vector<std::string>()).second;
      for (const auto& [expression, until] : source.until) expressions.push_back(expression);
    }
  }
  for (auto& [name, expressions] : changes) {
    environment_.sink.SetLearntQueries(name, std::move(expressions));
  }
  return next;
}

}  // namespace alertjoin
