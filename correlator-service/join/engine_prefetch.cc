// The engine's side of waiting for memory. Transitions, their alerts and their series lie anywhere.
// What a group of transitions needs is asked for in steps, each of which reads what the step before
// asked for: the group waits once a step, and not once for each pointer of each transition. Most
// transitions are the newest of their alerts and series, so that it is the ends that are asked for:
// where these lie is known without reading what lies before them.

#include <array>

#include "correlator-service/join/engine.h"
#include "correlator-service/join/prefetch.h"

namespace alertjoin {
namespace {

// Of one for each transition of a group.
template <typename T>
using OfGroup = absl::InlinedVector<T, 32>;

}  // namespace

Engine::AlertIds Engine::Prefetch(TransitionGroup group) {
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
  AlertIds ids;
  OfGroup<const BindingState*> bindings;  // The first ones, where they are known and match `on`.
  OfGroup<size_t> bucket_hashes;
  for (const Shared<TransitionEvent>* const event : group) {
    const TransitionEvent& transition = **event;
    alerts_.prefetch(ids.emplace_back(transition.source, transition.fingerprint));
    const BindingState* binding =
        transition.bindings.empty() ? nullptr : bindings_.FindObject(transition.bindings[0]);
    if (binding != nullptr && binding->group == nullptr) binding = nullptr;
    bindings.push_back(binding);
    bucket_hashes.push_back(binding == nullptr ? 0
                                               : binding->query->index.PrefetchPlace(
                                                     *binding->group, transition.labels));
  }
  OfGroup<const KnownAlert*> alerts;
  for (const AlertId& id : ids) {
    const auto place = alerts_.find(HashOnly{id.hash});
    alerts.push_back(place == alerts_.end() ? nullptr : place->alert.get());
    Prefetch(alerts.back(), sizeof(KnownAlert));
  }
  for (const KnownAlert* const alert : alerts) {
    if (alert == nullptr) continue;
    Prefetch(alert->fingerprint.data(), 1);
    alert->history.Prefetch();
  }
  PrefetchSeriesOf(group, bindings, bucket_hashes);
  for (const KnownAlert* const alert : alerts) {
    if (alert != nullptr) alert->history.PrefetchNewest();
  }
  return ids;
}

void Engine::PrefetchSeriesOf(TransitionGroup group, std::span<const BindingState* const> bindings,
                              std::span<const size_t> bucket_hashes) {
  using alertjoin::Prefetch;
  OfGroup<const MatchGroup::Bucket*> buckets;
  for (size_t i = 0; i < group.size(); ++i) {
    buckets.push_back(bindings[i] == nullptr
                          ? nullptr
                          : MatchIndex::ProbableBucket(*bindings[i]->group, bucket_hashes[i]));
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
  for (size_t i = 0; i < group.size(); ++i) {
    if (series[i] == nullptr) continue;
    series[i]->samples.PrefetchPlace((*group[i])->event_time());
    Prefetch(series[i]->key.get(), 1);
    Prefetch(series[i]->rows.get(), sizeof(SeriesRows));
  }
  for (const SeriesState* const of_row : series) {
    if (of_row != nullptr && of_row->rows != nullptr) PrefetchEnd(of_row->rows->by_time);
  }
}

}  // namespace alertjoin
