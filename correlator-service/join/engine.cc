#include "correlator-service/join/engine.h"

#include <algorithm>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Samples of a batch that are looked at together.
constexpr size_t kChunkSamples = 64;
// How long progress is kept beyond samples. A row with a larger tolerance may stay provisional.
constexpr Millis kToleranceMax = std::chrono::hours(24);

// The time of the newest sample with a value before `time`: rows from there on take the first value
// behind it as their next one.
Timestamp NewestValueBefore(const SampleSeries& samples, Timestamp time) {
  auto previous = samples.Before(time);
  while (previous && IsStaleMarker(previous->value)) previous = samples.Before(previous->time);
  return previous ? previous->time : Timestamp::Min();
}

// The latest time at which the notification knows its alert as firing.
Timestamp LastHeard(const Transition& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

// Asks the processor for the first `bytes` of an object.
void Prefetch(const void* object, size_t bytes) {
  constexpr size_t kLineBytes = 64;
  for (size_t at = 0; at < bytes; at += kLineBytes) {
    __builtin_prefetch(static_cast<const char*>(object) + at);
  }
}

}  // namespace

void Engine::PrefetchTransitions(const std::vector<Event>& events) const {
  const auto for_each = [&events](auto visit) {
    for (const Event& event : events) {
      if (const TransitionEvent* const transition = TransitionOf(event)) visit(*transition);
    }
  };
  for_each([](const TransitionEvent& transition) {
    Prefetch(&transition, offsetof(Transition, annotations));
    Prefetch(&transition.bindings, sizeof(transition.bindings));
  });
  for_each([this](const TransitionEvent& transition) {
    alerts_.prefetch(AlertIdView{transition.source, transition.fingerprint});
  });
  for_each([this](const TransitionEvent& transition) {
    const auto alert = alerts_.find(AlertIdView{transition.source, transition.fingerprint});
    if (alert != alerts_.end()) Prefetch(alert->second.get(), sizeof(Alert));
    for (const auto& binding : transition.bindings) Prefetch(binding.pointer().get(), 1);
  });
}

std::vector<JoinedRow> Engine::Apply(std::vector<Event> events, Timestamp applied_at) {
  PrefetchTransitions(events);
  for (const Event& event : events) {
    std::visit([this](const auto& kind) { ApplyEvent(kind); }, event);
  }
  return rows_.Flush(applied_at);
}

SeriesState* Engine::AddSeries(const std::shared_ptr<const SeriesKey>& key) {
  QueryState& query = directory_.QueryOf(*key->query);
  SeriesState* const known = SeriesDirectory::Find(query, key->labels);
  if (known != nullptr) return known;
  if (directory_.series_count() >= limits_.series_max ||
      directory_.series_bytes() >= limits_.series_bytes_max) {
    return nullptr;
  }
  SeriesState* const added = directory_.Add(query, key);
  bound_matches_.clear();
  query.index.AddSeries(added, &bound_matches_);
  for (BoundTransition* const bound : bound_matches_) {
    if (bound->has_placeholder()) {
      rows_.Retire(std::move(bound->rows[0]), Cause::kSample);
      bound->rows.clear();
    } else if (rows_.full()) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(*bound, added, Cause::kSample);
  }
  return added;
}

SeriesState* Engine::SeriesOf(SeriesDirectory::Stream& stream, uint32_t number) {
  if (number >= stream.states.size()) stream.states.resize(number + size_t{1});
  SeriesState*& state = stream.states[number];
  if (state == nullptr) state = AddSeries(stream.table[number]);
  return state;
}

bool Engine::OrderBatch(SeriesDirectory::Stream& stream, const SampleBatch& batch) {
  constexpr size_t kBits = 64;
  const std::vector<uint32_t>& numbers = batch.series_index;
  bool neighbours = true;
  for (size_t i = 0; i < numbers.size() && neighbours; ++i) {
    if (i > 0 && numbers[i] == numbers[i - 1]) continue;
    const size_t word = numbers[i] / kBits;
    const uint64_t bit = uint64_t{1} << (numbers[i] % kBits);
    if (word >= stream.met.size()) stream.met.resize(word + 1);
    neighbours = (stream.met[word] & bit) == 0;
    stream.met[word] |= bit;
  }
  for (const uint32_t number : numbers) {
    if (number / kBits < stream.met.size()) stream.met[number / kBits] = 0;
  }
  if (neighbours) return false;
  batch_order_.resize(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) batch_order_[i] = uint64_t{numbers[i]} << 32 | i;
  std::sort(batch_order_.begin(), batch_order_.end());
  return true;
}

void Engine::ApplyEvent(const SampleBatch& batch) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batch.series);
  const bool ordered = OrderBatch(stream, batch);
  const auto place = [&](size_t i) {
    return ordered ? static_cast<size_t>(batch_order_[i] & UINT32_MAX) : i;
  };
  for (size_t begin = 0; begin < batch.size(); begin += kChunkSamples) {
    const size_t end = std::min(batch.size(), begin + kChunkSamples);
    // Neighbours in a batch are of different series, far apart in memory. All of them are asked for
    // before the first is needed: the series, then the ends of their samples.
    SeriesState* chunk[kChunkSamples];
    for (size_t i = begin; i < end; ++i) {
      chunk[i - begin] = SeriesOf(stream, batch.series_index[place(i)]);
      __builtin_prefetch(chunk[i - begin]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (chunk[i - begin] != nullptr) chunk[i - begin]->samples.PrefetchTail();
    }
    for (size_t i = begin; i < end; ++i) {
      const size_t at = place(i);
      if (chunk[i - begin] == nullptr) {
        RefuseSample(directory_.QueryOf(*batch.series[batch.series_index[at]]->query),
                     batch.times[at]);
      } else if (batch.times[at] < sample_horizon_) {
        ++stats_.samples_expired;
      } else {
        ApplySample(*chunk[i - begin], {batch.times[at], batch.values[at], batch.received_time});
      }
    }
  }
}

void Engine::ApplySample(SeriesState& series, const Sample& sample) {
  if (series.samples.TryAppend(sample)) {
    ++stats_.samples_new;
    // One compare tells that the sample can revise nothing: it is newer than every row.
    if (series.newest_row_time < sample.time) return;
    return TouchRows(series, sample.time, std::nullopt, Cause::kSample);
  }
  const bool full = stats_.sample_bytes >= limits_.sample_bytes_max;
  if (full && !series.samples.Contains(sample.time))
    return RefuseSample(*series.query, sample.time);
  const SampleSeries::Inserted inserted = InsertSample(series, sample);
  Cause reason = Cause::kLateSample;
  switch (inserted.outcome) {
    case SampleSeries::Outcome::kUnchanged:
      ++stats_.samples_unchanged;
      return;
    case SampleSeries::Outcome::kAppended:
      ++stats_.samples_new;
      reason = Cause::kSample;
      break;
    case SampleSeries::Outcome::kInserted:
      ++stats_.samples_late;
      break;
    case SampleSeries::Outcome::kReplaced:
      ++stats_.samples_replaced;
      break;
  }
  if (series.newest_row_time < sample.time) return;
  TouchRows(series, sample.time, inserted.next, reason);
}

SampleSeries::Inserted Engine::InsertSample(SeriesState& series, const Sample& sample) {
  const size_t before = series.samples.ByteSize();
  const SampleSeries::Inserted inserted = series.samples.Insert(sample);
  stats_.sample_bytes += series.samples.ByteSize() - before;
  return inserted;
}

void Engine::RefuseSample(QueryState& query, Timestamp time) {
  ++stats_.samples_refused;
  query.refused_through = std::max(query.refused_through, time);
}

void Engine::TouchRows(SeriesState& series, Timestamp time, std::optional<Timestamp> next,
                       Cause reason) {
  SeriesRows& rows = *series.rows;
  // Rows from here to the next sample, which a strict binding still excludes at its very time.
  const Timestamp from = rows.has_first_after ? NewestValueBefore(series.samples, time) : time;
  const Timestamp through = next.value_or(Timestamp::Max());
  for (auto row = rows.by_time.lower_bound({from, nullptr});
       row != rows.by_time.end() && row->first <= through; ++row) {
    rows_.Touch(*row->second, reason);
  }
}

void Engine::ApplyEvent(const QueryProgress& progress) {
  QueryState& query = directory_.QueryOf(progress.query);
  // The source has sent every sample, but not all are here.
  const Timestamp from = std::max(progress.complete_from, query.refused_through + Millis(1));
  if (from > progress.complete_through) return;
  const Interval covered = query.coverage.Add({from, progress.complete_through});
  for (auto row = query.provisional.lower_bound({covered.from, nullptr});
       row != query.provisional.end() && row->first <= covered.through; ++row) {
    rows_.Touch(*row->second, Cause::kFinalized);
  }
}

void Engine::ApplyEvent(const Shared<TransitionEvent>& event) {
  ++stats_.notifications;
  if (LastHeard(*event) < row_horizon_) {
    ++stats_.notifications_expired;
    return;
  }
  const auto known = alerts_.find(AlertIdView{event->source, event->fingerprint});
  if (rows_.full() && (known == alerts_.end() || !known->second->history.Knows(*event))) {
    ++stats_.rows_refused;
    return;
  }
  Alert& alert =
      known == alerts_.end()
          ? *alerts_.emplace(AlertId{event->source, event->fingerprint}, std::make_unique<Alert>())
                 .first->second
          : *known->second;
  AlertHistory::Bindings bindings;
  for (const auto& binding : event->bindings) {
    bindings.push_back(bindings_.Resolve(binding, directory_));
  }
  const AlertHistory::Changes changes = alert.history.Add(event.pointer(), std::move(bindings));
  if (changes.present.empty()) ++stats_.notifications_repeated;
  for (const Timestamp episode : changes.removed) {
    Reconcile(alert, episode, AlertState::kFiring, nullptr);
    Reconcile(alert, episode, AlertState::kResolved, nullptr);
  }
  for (const AlertHistory::Episode& episode : changes.present) {
    Reconcile(alert, episode.key, AlertState::kFiring, episode.firing ? &*episode.firing : nullptr);
    Reconcile(alert, episode.key, AlertState::kResolved,
              episode.resolved ? &*episode.resolved : nullptr);
  }
}

void Engine::Reconcile(Alert& alert, Timestamp episode, AlertState state,
                       const AlertHistory::Side* side) {
  const auto known = alert.transitions.find({episode, state});
  if (side == nullptr) {
    if (known != alert.transitions.end()) Remove(alert, episode, state, Cause::kAlertAmended);
    return;
  }
  if (known == alert.transitions.end()) {
    auto added = std::make_unique<TransitionState>();
    added->episode = episode;
    added->transition = side->transition;
    rows_.Adopt(*added);
    ReconcileBindings(*added, *side, Cause::kAlert);
    alert.transitions.emplace(std::pair(episode, state), std::move(added));
    return;
  }
  TransitionState& transition = *known->second;
  if (transition.transition->starts_at != side->transition->starts_at ||
      transition.transition->ends_at != side->transition->ends_at) {
    transition.transition = side->transition;
    rows_.Amend(transition);
  }
  ReconcileBindings(transition, *side, Cause::kAlertAmended);
}

void Engine::ReconcileBindings(TransitionState& transition, const AlertHistory::Side& side,
                               Cause reason) {
  const auto wanted = [&side](const BoundTransition& bound) {
    if (bound.binding == nullptr) return side.bindings.empty();
    return std::find(side.bindings.begin(), side.bindings.end(), bound.binding) !=
           side.bindings.end();
  };
  const auto gone = std::remove_if(transition.bound.begin(), transition.bound.end(),
                                   [&](const std::unique_ptr<BoundTransition>& bound) {
                                     if (wanted(*bound)) return false;
                                     Unbind(*bound, reason);
                                     return true;
                                   });
  transition.bound.erase(gone, transition.bound.end());
  for (const auto& binding : side.bindings) {
    const bool known =
        std::any_of(transition.bound.begin(), transition.bound.end(),
                    [&binding](const auto& bound) { return bound->query() == binding->query; });
    if (!known) Bind(transition, binding, reason);
  }
  if (transition.bound.empty()) Bind(transition, nullptr, reason);
}

void Engine::Bind(TransitionState& transition, std::shared_ptr<const BindingState> binding,
                  Cause reason) {
  auto added = std::make_unique<BoundTransition>();
  added->transition = &transition;
  added->binding = std::move(binding);
  added->indexed = transition.transition;
  series_matches_.clear();
  if (added->binding != nullptr) {
    const LabelSet& labels = added->indexed->labels;
    MatchIndex& index = added->query()->index;
    added->group = added->binding->group;
    if (added->group == nullptr) added->group = index.GroupOf(*added->binding->binding, labels);
    index.AddTransition(added->group, added.get(), labels, &series_matches_);
  }
  if (series_matches_.empty()) rows_.Create(*added, nullptr, reason);
  for (SeriesState* const series : series_matches_) {
    if (rows_.full()) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(*added, series, reason);
  }
  transition.bound.push_back(std::move(added));
}

void Engine::Unbind(BoundTransition& bound, Cause reason) {
  if (bound.group != nullptr) {
    bound.query()->index.RemoveTransition(bound.group, &bound, bound.indexed->labels);
  }
  for (auto& row : bound.rows) rows_.Retire(std::move(row), reason);
  bound.rows.clear();
}

void Engine::Remove(Alert& alert, Timestamp episode, AlertState state, Cause reason) {
  const auto known = alert.transitions.find({episode, state});
  if (known == alert.transitions.end()) return;
  for (const auto& bound : known->second->bound) Unbind(*bound, reason);
  rows_.Bury(std::move(known->second));
  alert.transitions.erase(known);
}

std::vector<JoinedRow> Engine::Expire(Timestamp sample_horizon, Timestamp row_horizon,
                                      Timestamp applied_at) {
  sample_horizon_ = std::max(sample_horizon_, sample_horizon);
  row_horizon_ = std::max(row_horizon_, row_horizon);
  rows_.SetSampleHorizon(sample_horizon_);
  for (auto& [query, state] : directory_.queries()) {
    for (auto& series : state->series) {
      stats_.sample_bytes -= series->samples.ByteSize();
      series->samples.Expire(sample_horizon_);
      stats_.sample_bytes += series->samples.ByteSize();
    }
    // Rows from the horizon on look back as far as their tolerance.
    state->coverage.Expire(sample_horizon_ - kToleranceMax);
  }
  for (auto alert = alerts_.begin(); alert != alerts_.end();) {
    for (const Timestamp episode : alert->second->history.Expire(row_horizon_)) {
      Remove(*alert->second, episode, AlertState::kFiring, Cause::kExpired);
      Remove(*alert->second, episode, AlertState::kResolved, Cause::kExpired);
    }
    if (alert->second->history.empty()) {
      alerts_.erase(alert++);
    } else {
      ++alert;
    }
  }
  std::vector<JoinedRow> changes = rows_.Flush(applied_at);
  bindings_.Purge();
  return changes;
}

std::vector<QueryProgress> Engine::Progress() const {
  std::vector<QueryProgress> result;
  for (const auto& [query, state] : directory_.queries()) {
    if (state->coverage.empty()) continue;
    const Interval newest = state->coverage.Newest();
    result.push_back({query, newest.from, newest.through});
  }
  return result;
}

std::vector<JoinedRow> Engine::Rows() const {
  std::vector<JoinedRow> result;
  const auto add = [&result](const RowState& row) {
    result.push_back(RowTable::Describe(row, Operation::kUpsert, Cause::kAlert, Timestamp()));
  };
  for (const auto& [key, alert] : alerts_) {
    for (const auto& [id, transition] : alert->transitions) {
      for (const auto& bound : transition->bound) {
        for (const auto& row : bound->rows) add(*row);
      }
    }
  }
  return result;
}

EngineStats Engine::stats() const {
  EngineStats stats = stats_;
  stats.series = directory_.series_count();
  stats.series_bytes = directory_.series_bytes();
  stats.rows = rows_.size();
  stats.row_bytes = rows_.bytes();
  stats.revisions_after_final = rows_.revisions_after_final();
  return stats;
}

}  // namespace alertjoin
