#include "ingest-service/grafana/grafana_sources.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/log/log.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

bool SameSource(const MetricsSourceOptions& a, const MetricsSourceOptions& b) {
  return a.name == b.name && a.url == b.url && a.external_url == b.external_url;
}

// The transition with those of its bindings that are chosen.
template <typename Chosen>
TransitionEvent WithBindings(const TransitionEvent& transition, const Chosen& chosen) {
  TransitionEvent result = transition;
  std::erase_if(result.bindings, [&chosen](const Shared<Binding>& binding) {
    return !chosen(binding->query.source);
  });
  return result;
}

}  // namespace

GrafanaSources::GrafanaSources(std::vector<GrafanaOptions> options, TransitionListener& others,
                               SampleSink& sink, RuleCatalog& catalog,
                               prometheus::Registry& registry, const Clock& clock,
                               OnChange on_change, std::string producer_id)
    : options_(std::move(options)),
      others_(others),
      sink_(sink),
      catalog_(catalog),
      registry_(registry),
      clock_(clock),
      on_change_(std::move(on_change)),
      producer_id_(std::move(producer_id)),
      loop_("grafana-sources", clock) {
  for (const GrafanaOptions& grafana : options_) {
    HttpClient& client = *clients_.emplace_back(
        std::make_unique<HttpClient>(grafana.terms.http, transport_, clock_));
    discoveries_.push_back(std::make_unique<GrafanaDiscovery>(
        grafana, GrafanaDiscovery::Environment{client, loop_, clock_, registry_},
        [this, &grafana](const std::vector<GrafanaDataSource>& found) {
          OnDataSources(grafana, found);
        }));
  }
}

GrafanaSources::~GrafanaSources() { Stop(); }

void GrafanaSources::Start() {
  if (discoveries_.empty()) return;
  loop_.Start([this] {
    Timestamp next = Timestamp::Max();
    for (const auto& discovery : discoveries_) next = std::min(next, discovery->Step());
    if (std::ranges::all_of(discoveries_, [](const auto& d) { return d->looked(); })) {
      MutexLock lock(mutex_);
      looked_ = true;
      changed_.NotifyAll();
    }
    return next;
  });
}

bool GrafanaSources::WaitUntilLooked(Clock::Steady deadline) {
  if (discoveries_.empty()) return true;
  MutexLock lock(mutex_);
  while (!looked_) {
    if (!changed_.WaitUntil(mutex_, deadline)) return looked_;
  }
  return true;
}

GrafanaSources::Sources GrafanaSources::Stop(LearningSource::Rules rules) {
  // The loop first: what the transport then breaks off is posted to nobody, and no source is added.
  loop_.Stop();
  transport_.Stop();
  Sources stopped;
  {
    MutexLock lock(mutex_);
    for (auto& [name, running] : running_) stopped.emplace(name, std::move(running.source));
    running_.clear();
  }
  for (const auto& [name, source] : stopped) source->Stop(rules);
  return stopped;
}

void GrafanaSources::TakeOver(const Sources& stopped) {
  for (const auto& [name, before] : stopped) {
    std::shared_ptr<LearningSource> source;
    {
      MutexLock lock(mutex_);
      const auto running = running_.find(name);
      if (running != running_.end()) source = running->second.source;
    }
    if (source != nullptr) {
      source->TakeOver(*before);
    } else {
      before->GiveUpUnanswered("the data source is gone");
    }
  }
}

bool GrafanaSources::IsOwn(const std::string& source) const {
  return std::any_of(options_.begin(), options_.end(), [&source](const GrafanaOptions& grafana) {
    return source.starts_with(grafana.name + "/");
  });
}

void GrafanaSources::OnTransitions(std::span<const TransitionEvent> transitions) {
  if (options_.empty()) return others_.OnTransitions(transitions);
  std::vector<std::pair<std::string, std::shared_ptr<LearningSource>>> sources;
  {
    // Both at once: each binding is handed to its source here, or is there for it to take. Only a
    // source that is replaced in the next moment loses what is handed to it; polls still find it.
    MutexLock lock(mutex_);
    for (const auto& [name, running] : running_) sources.emplace_back(name, running.source);
    Hold(transitions);
  }
  const auto hand_on = [&transitions](TransitionListener& listener, const auto& chosen) {
    std::vector<TransitionEvent> handed;
    for (const TransitionEvent& transition : transitions) {
      const bool any = std::any_of(
          transition.bindings.begin(), transition.bindings.end(),
          [&chosen](const Shared<Binding>& binding) { return chosen(binding->query.source); });
      if (any) handed.push_back(WithBindings(transition, chosen));
    }
    if (!handed.empty()) listener.OnTransitions(handed);
  };
  for (const auto& [name, source] : sources) {
    hand_on(*source, [&own = name](const std::string& wanted) { return wanted == own; });
  }
  hand_on(others_, [this](const std::string& wanted) { return !IsOwn(wanted); });
}

void GrafanaSources::Hold(std::span<const TransitionEvent> transitions) {
  std::set<std::string> there;
  for (const auto& [name, running] : running_) there.insert(name);
  const auto awaited = [this, &there](const std::string& source) {
    return IsOwn(source) && !there.contains(source);
  };
  for (const TransitionEvent& transition : transitions) {
    TransitionEvent held = WithBindings(transition, awaited);
    if (held.bindings.empty()) continue;
    if (held_.size() == kHeldMax) held_.pop_front();
    held_.push_back(std::move(held));
  }
}

std::vector<TransitionEvent> GrafanaSources::TakeHeld(const std::string& source) {
  const auto of_source = [&source](const std::string& wanted) { return wanted == source; };
  const auto of_others = [&source](const std::string& wanted) { return wanted != source; };
  std::vector<TransitionEvent> taken;
  std::deque<TransitionEvent> left;
  MutexLock lock(mutex_);
  for (const TransitionEvent& transition : held_) {
    TransitionEvent its = WithBindings(transition, of_source);
    if (!its.bindings.empty()) taken.push_back(std::move(its));
    TransitionEvent rest = WithBindings(transition, of_others);
    if (!rest.bindings.empty()) left.push_back(std::move(rest));
  }
  held_ = std::move(left);
  return taken;
}

std::shared_ptr<LearningSource> GrafanaSources::StartSource(const MetricsSourceOptions& options) {
  MetricsSourcesOptions one;
  one.producer_id = producer_id_;
  one.sources = {options};
  absl::Status started = MetricsSources::Check(one);
  std::shared_ptr<LearningSource> source;
  if (started.ok()) {
    source = std::make_shared<LearningSource>(one, sink_, catalog_, registry_, clock_);
    started = source->Start();
  }
  if (started.ok()) return source;
  LogWarn("a data source of Grafana cannot be a metrics source",
          {{"source", options.name}, {"error", MessageOf(started)}});
  return nullptr;
}

void GrafanaSources::OnDataSources(const GrafanaOptions& grafana,
                                   const std::vector<GrafanaDataSource>& found) {
  std::vector<MetricsSourceOptions> wanted;
  for (const GrafanaDataSource& source : found) wanted.push_back(MetricsSourceOf(grafana, source));

  // What is gone or has another address now ends first: a name stands for one source at a time.
  Sources ended;
  {
    MutexLock lock(mutex_);
    for (auto running = running_.begin(); running != running_.end();) {
      const bool of_this = running->first.starts_with(grafana.name + "/");
      const bool stays = std::any_of(wanted.begin(), wanted.end(),
                                     [&running](const MetricsSourceOptions& options) {
                                       return SameSource(options, running->second.options);
                                     });
      if (!of_this || stays) {
        ++running;
        continue;
      }
      ended.emplace(running->first, std::move(running->second.source));
      LogInfo("a data source of Grafana is gone", {{"source", running->first}});
      running = running_.erase(running);
    }
    std::erase_if(wanted, [this](const MetricsSourceOptions& options)
                              REQUIRES_LOCK(mutex_) { return running_.contains(options.name); });
  }
  for (const auto& [name, source] : ended) source->Stop();
  for (const MetricsSourceOptions& options : wanted) {
    std::shared_ptr<LearningSource> source = StartSource(options);
    if (source == nullptr) continue;
    LogInfo("a data source of Grafana is a metrics source now", {{"source", options.name}});
    {
      MutexLock lock(mutex_);
      running_.insert_or_assign(options.name, Running{options, source});
    }
    if (const auto held = TakeHeld(options.name); !held.empty()) source->OnTransitions(held);
  }
  TakeOver(ended);
  std::vector<MetricsSourceOptions> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, running] : running_) all.push_back(running.options);
  }
  on_change_(all);
}

}  // namespace alertjoin
