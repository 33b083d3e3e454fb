// The engine's side of waiting for memory. Transitions, their alerts and their series lie anywhere.
// What a group of transitions needs is asked for in steps, each of which reads what the step before
// asked for: the group waits once a step, and not once for each pointer of each transition. Most
// transitions are the newest of their alerts and series, so that it is the ends that are asked for:
// where these lie is known without reading what lies before them.

#include "correlator-service/join/engine.h"
#include "correlator-service/join/prefetch.h"

namespace alertjoin {
namespace {

// Of one for each transition of a group.
template <typename T>
using OfGroup = absl::InlinedVector<T, 32>;

}  // namespace

void Engine::Prepare(TransitionGroup group) {
  using alertjoin::Prefetch;
  for (const Shared<TransitionEvent>* const event : group) {
    Prefetch(event->pointer().get(), sizeof(TransitionEvent));
  }
  for (const Shared<TransitionEvent>* const event : group) {
    const TransitionEvent& transition = **event;
    Prefetch(transition.fingerprint.data(), transition.fingerprint.size());
    Prefetch(transition.bindings.data(), sizeof(transition.bindings[0]));
    if (!transition.labels.empty()) Prefetch((*transition.labels.begin()).first.data(), 1);
  }
  prepared_.clear();
  if (prepared_keys_.size() < group.size()) prepared_keys_.resize(group.size());
  for (const Shared<TransitionEvent>* const event : group) {
    const TransitionEvent& transition = **event;
    std::string& key = prepared_keys_[prepared_.size()];
    prepared_.push_back({event, AlertId(transition.source, transition.fingerprint)});
    PreparedTransition& prepared = prepared_.back();
    alerts_.prefetch(prepared.id);
    if (transition.bindings.empty()) continue;
    const BindingState* const binding = bindings_.FindObject(transition.bindings[0]);
    if (binding == nullptr || binding->group == nullptr) continue;
    prepared.binding = binding;
    prepared.key = MatchIndex::KeyOf(*binding->group, transition.labels, key);
    binding->group->buckets.prefetch(prepared.key);
  }
  OfGroup<const KnownAlert*> alerts;
  for (const PreparedTransition& prepared : prepared_) {
    const auto place = alerts_.find(HashOnly{prepared.id.hash});
    alerts.push_back(place == alerts_.end() ? nullptr : place->alert.get());
    Prefetch(alerts.back(), sizeof(KnownAlert));
  }
  for (const KnownAlert* const alert : alerts) {
    if (alert == nullptr) continue;
    Prefetch(alert->fingerprint.data(), 1);
    alert->history.Prefetch();
  }
  PrefetchMatches();
  for (const KnownAlert* const alert : alerts) {
    if (alert != nullptr) alert->history.PrefetchNewest();
  }
}

void Engine::PrefetchMatches() const {
  using alertjoin::Prefetch;
  OfGroup<const MatchGroup::Bucket*> buckets;
  for (const PreparedTransition& prepared : prepared_) {
    const BindingState* const binding = prepared.binding;
    buckets.push_back(binding == nullptr
                          ? nullptr
                          : MatchIndex::ProbableBucket(*binding->group, prepared.key.hash));
    Prefetch(buckets.back(), sizeof(MatchGroup::Bucket));
  }
  OfGroup<const SeriesState*> series;  // The first ones that match.
  for (const MatchGroup::Bucket* const bucket : buckets) {
    const bool has_series = bucket != nullptr && !bucket->series.empty();
    series.push_back(has_series ? bucket->series[0] : nullptr);
    Prefetch(series.back(), sizeof(SeriesState));
    if (bucket == nullptr) continue;
    Prefetch(bucket->key.data(), bucket->key.size());
    Prefetch(bucket->bound.data() + bucket->bound.size(), 1);
  }
  for (size_t i = 0; i < prepared_.size(); ++i) {
    if (series[i] == nullptr) continue;
    series[i]->samples.PrefetchPlace((*prepared_[i].event)->event_time());
    Prefetch(series[i]->key.get(), 1);
    Prefetch(series[i]->rows.get(), sizeof(SeriesRows));
  }
  for (const SeriesState* const of_row : series) {
    if (of_row != nullptr && of_row->rows != nullptr) PrefetchEnd(of_row->rows->by_time);
  }
}

}  // namespace alertjoin
