// The engine's side of waiting for memory. Transitions, their alerts and their series lie anywhere.
// What a group of transitions needs is asked for in steps, each of which reads what the step before
// asked for: the group waits once a step, and not once for each pointer of each transition.

#include <array>

#include "correlator-service/join/engine.h"
#include "correlator-service/join/prefetch.h"

namespace alertjoin {
namespace {

// As far as it is known without changing anything.
struct Needed {
  const BindingState* binding = nullptr;  // The first one.
  const SeriesState* series = nullptr;    // The first one that matches.
};

}  // namespace

void Engine::Prefetch(TransitionGroup group) {
  using alertjoin::Prefetch;
  for (const Shared<TransitionEvent>* const event : group) {
    Prefetch(event->pointer().get(), sizeof(TransitionEvent));
  }
  for (const Shared<TransitionEvent>* const event : group) {
    const TransitionEvent& transition = **event;
    Prefetch(transition.fingerprint.data(), transition.fingerprint.size());
    Prefetch(transition.bindings.data(), sizeof(transition.bindings[0]));
  }
  for (const Shared<TransitionEvent>* const event : group) {
    const LabelSet& labels = (*event)->labels;
    if (!labels.empty()) Prefetch((*labels.begin()).first.data(), 1);
  }
  for (const Shared<TransitionEvent>* const event : group) {
    alerts_.prefetch(AlertIdView{(*event)->source, (*event)->fingerprint});
  }
  absl::InlinedVector<Needed, 32> needed;
  for (const Shared<TransitionEvent>* const event : group) {
    const TransitionEvent& transition = **event;
    Needed& of_this = needed.emplace_back();
    if (transition.bindings.empty()) continue;
    of_this.binding = bindings_.FindObject(transition.bindings[0]);
    if (of_this.binding == nullptr || of_this.binding->group == nullptr) continue;
    of_this.binding->query->index.PrefetchBucket(*of_this.binding->group, transition.labels);
  }
  absl::InlinedVector<const KnownAlert*, 32> alerts;
  for (const Shared<TransitionEvent>* const event : group) {
    const auto alert = alerts_.find(AlertIdView{(*event)->source, (*event)->fingerprint});
    alerts.push_back(alert == alerts_.end() ? nullptr : alert->second.get());
    Prefetch(alerts.back(), sizeof(KnownAlert));
  }
  for (size_t i = 0; i < group.size(); ++i) {
    const BindingState* const binding = needed[i].binding;
    if (binding == nullptr || binding->group == nullptr) continue;
    const MatchGroup::Bucket* const bucket =
        binding->query->index.FindBucket(*binding->group, (*group[i])->labels);
    if (bucket == nullptr) continue;
    Prefetch(bucket->bound.data() + bucket->bound.size(), 1);
    if (!bucket->series.empty()) needed[i].series = bucket->series[0];
    Prefetch(needed[i].series, sizeof(SeriesState));
  }
  for (size_t i = 0; i < group.size(); ++i) {
    if (alerts[i] == nullptr) continue;
    const TransitionEvent& transition = **group[i];
    alerts[i]->history.Prefetch(transition.starts_at);
    PrefetchPlace(alerts[i]->transitions, std::pair(transition.starts_at, transition.state));
  }
  for (size_t i = 0; i < group.size(); ++i) {
    const SeriesState* const series = needed[i].series;
    if (series == nullptr) continue;
    series->samples.PrefetchPlace((*group[i])->event_time());
    Prefetch(series->key.get(), 1);
    Prefetch(series->rows.get(), sizeof(SeriesRows));
  }
  for (size_t i = 0; i < group.size(); ++i) {
    const SeriesState* const series = needed[i].series;
    if (series == nullptr || series->rows == nullptr) continue;
    PrefetchPlace(series->rows->by_time,
                  std::pair<Timestamp, RowState*>((*group[i])->event_time(), nullptr));
  }
}

}  // namespace alertjoin
