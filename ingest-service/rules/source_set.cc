#include "ingest-service/rules/source_set.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/same_options.h"

namespace alertjoin {
namespace {

bool IsOf(const std::string& source, const Shared<Binding>& binding) {
  return binding->query.source == source;
}

bool AllAreOf(const std::string& source, std::span<const TransitionEvent> transitions) {
  return std::ranges::all_of(transitions, [&source](const TransitionEvent& transition) {
    return std::ranges::all_of(transition.bindings,
                               [&source](const auto& binding) { return IsOf(source, binding); });
  });
}

// The transitions that are bound to the source, with those of their bindings alone.
std::vector<TransitionEvent> TransitionsOf(const std::string& source,
                                           std::span<const TransitionEvent> transitions) {
  std::vector<TransitionEvent> chosen;
  for (const TransitionEvent& transition : transitions) {
    const auto is_its = [&source](const auto& binding) { return IsOf(source, binding); };
    if (std::ranges::none_of(transition.bindings, is_its)) continue;
    std::erase_if(chosen.emplace_back(transition).bindings,
                  [&is_its](const auto& binding) { return !is_its(binding); });
  }
  return chosen;
}

}  // namespace

SourceSet::~SourceSet() { Stop(); }

absl::StatusOr<SourceSet::Next> SourceSet::Prepare(
    const std::vector<MetricsSourceOptions>& options) {
  MetricsSourcesOptions all;
  all.sources = options;
  RETURN_IF_ERROR(MetricsSources::Check(all));
  Next next;
  {
    MutexLock lock(mutex_);
    for (const MetricsSourceOptions& source : options) {
      const auto running = running_.find(source.name);
      if (running == running_.end() || !SameSource(running->second.options, source)) continue;
      next.running.emplace(source.name, running->second);
    }
  }
  for (const MetricsSourceOptions& source : options) {
    if (next.running.contains(source.name)) continue;
    MetricsSourcesOptions one;
    one.producer_id = environment_.producer_id;
    one.sources = {source};
    const auto begun = std::make_shared<LearningSource>(
        one, environment_.sink, environment_.catalog, environment_.registry, environment_.clock);
    if (const absl::Status started = begun->Start(); !started.ok()) {
      // One of the same name may go on.
      for (const auto& other : next.begun) other->Stop(LearningSource::Rules::kKept);
      begun->Stop(LearningSource::Rules::kKept);
      return started;
    }
    next.begun.push_back(begun);
    next.running.emplace(source.name, Running{source, begun});
  }
  return next;
}

void SourceSet::Commit(Next next) {
  std::map<std::string, Running> before;
  {
    MutexLock lock(mutex_);
    before.swap(running_);
    running_ = next.running;
  }
  for (auto& [name, running] : before) {
    const auto now = next.running.find(name);
    if (now == next.running.end()) {
      running.source->Stop();
      running.source->GiveUpUnanswered("the metrics source is gone");
      LogInfo("a metrics source is gone", {{"source", name}});
    } else if (now->second.source != running.source) {
      // Its successor has learnt the rules, or will.
      running.source->Stop(LearningSource::Rules::kKept);
      now->second.source->TakeOver(*running.source);
      LogInfo("a metrics source has changed", {{"source", name}});
    }
  }
}

void SourceSet::Stop() {
  std::map<std::string, Running> stopped;
  {
    MutexLock lock(mutex_);
    stopped.swap(running_);
  }
  for (auto& [name, running] : stopped) running.source->Stop();
}

void SourceSet::OnTransitions(std::span<const TransitionEvent> transitions) {
  std::vector<std::pair<std::string, std::shared_ptr<LearningSource>>> sources;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, running] : running_) sources.emplace_back(name, running.source);
  }
  for (const auto& [name, source] : sources) {
    // Mostly so: without a copy.
    if (sources.size() == 1 || AllAreOf(name, transitions)) {
      source->OnTransitions(transitions);
      continue;
    }
    const std::vector<TransitionEvent> its = TransitionsOf(name, transitions);
    if (!its.empty()) source->OnTransitions(its);
  }
}

}  // namespace alertjoin
