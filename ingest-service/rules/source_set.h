#pragma once

#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/rules/learning_source.h"

namespace alertjoin {

// The metrics sources that are configured by themselves, each with threads and connections of its
// own, so that none ever waits for another and one can be exchanged while the others go on. As a
// listener it tells each source of the transitions that are bound to it.
//
// Thread-safe, but for Prepare and Commit, which are for one thread at a time. What is passed in
// must outlive it.
class SourceSet final : public TransitionListener {
 public:
  struct Environment {
    std::string producer_id;  // Who reports how the sources fare.
    SampleSink& sink;
    RuleCatalog& catalog;
    prometheus::Registry& registry;
    const Clock& clock;
  };
  struct Running {
    MetricsSourceOptions options;
    std::shared_ptr<LearningSource> source;
  };
  // What Prepare made, by name.
  struct Next {
    std::map<std::string, Running> running;
    std::vector<std::shared_ptr<LearningSource>> begun;
  };

  explicit SourceSet(Environment environment) : environment_(std::move(environment)) {}
  ~SourceSet() override;  // Stops.

  // Starts the sources whose options are new or have changed, beside those that run. Nothing else
  // changes before Commit. INVALID_ARGUMENT and RESOURCE_EXHAUSTED as MetricsSources::Check and
  // Start: nothing has changed then.
  absl::StatusOr<Next> Prepare(const std::vector<MetricsSourceOptions>& options)
      EXCLUDES_LOCK(mutex_);
  // From now on these are the sources. Those that are not among them are stopped; a source whose
  // options are the same goes on untouched, and one that has changed asks what the old one was not
  // answered.
  void Commit(Next next) EXCLUDES_LOCK(mutex_);

  void Stop() EXCLUDES_LOCK(mutex_);

  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);

 private:
  const Environment environment_;

  mutable Mutex mutex_;
  std::map<std::string, Running> running_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
