#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/metrics/owned_gauge.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/learnt_query_sink.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/rules/rule_list.h"

namespace alertjoin {

// Decides which queries learnt from alerting rules are polled: as LearnOptions of their source say,
// around the alerts that its rules hold and around the transitions that come in. What is configured
// anyway is left alone. Over LearnOptions::queries_max no more are polled; they are asked at
// transitions all the same, and counted.
//
// OnTransitions and OnRules may be called from any thread; Step always from the same one, which
// then tells the sink. What is passed in must outlive it.
class LearntPolls final : public TransitionListener {
 public:
  struct Environment {
    LearntQuerySink& sink;
    const Clock& clock;
    prometheus::Registry& registry;
  };

  LearntPolls(const std::vector<MetricsSourceOptions>& sources, Environment environment);

  // The rules that the source has now.
  void OnRules(const std::string& source, const RuleList& rules) EXCLUDES_LOCK(mutex_);
  // Calls `wake` when there is something new to do.
  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);
  // Called by OnTransitions when Step has something to do. Set before the first transition.
  void SetWake(std::function<void()> wake) { wake_ = std::move(wake); }

  // Tells the sink what is to be polled, where that has changed. Gives when it will change next.
  Timestamp Step() EXCLUDES_LOCK(mutex_);

 private:
  struct Source {
    LearnOptions options;
    std::set<std::string> configured;  // Expressions, stripped.
    OwnedGauge polled;
    prometheus::Counter* refused = nullptr;
    bool rules_known = false;
    std::map<std::string, Timestamp> until;  // Expressions to be polled, and how long.
    bool changed = false;
  };

  void Want(Source& source, const std::string& expression, Timestamp until) REQUIRES_LOCK(mutex_);
  void WantTransition(const TransitionEvent& transition, Timestamp now) REQUIRES_LOCK(mutex_);
  // Drops what is over. Gives when the next one is.
  static Timestamp DropOld(Source& source, Timestamp now);

  const Environment environment_;
  std::function<void()> wake_;
  Mutex mutex_;
  std::map<std::string, Source, std::less<>> sources_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
