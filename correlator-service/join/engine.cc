#include "correlator-service/join/engine.h"

#include <algorithm>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Streams that are remembered for each series; a reconnected one makes new objects.
constexpr size_t kAliasesMax = 4;
constexpr size_t kPrefetchSamples = 8;
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
Timestamp LastHeard(const TransitionEvent& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

}  // namespace

std::vector<JoinedRow> Engine::Apply(std::vector<Event> events, Timestamp applied_at) {
  for (Event& event : events) {
    std::visit([this](auto& kind) { ApplyEvent(std::move(kind)); }, event);
  }
  return rows_.Flush(applied_at);
}

QueryState& Engine::QueryOf(const Query& query) {
  auto& state = queries_[query];
  if (state == nullptr) {
    state = std::make_unique<QueryState>();
    state->query = query;
  }
  return *state;
}

SeriesState* Engine::SeriesOf(const std::shared_ptr<const SeriesKey>& key) {
  const auto same_object = series_by_object_.find(key.get());
  if (same_object != series_by_object_.end()) return same_object->second;
  QueryState& query = QueryOf(*key->query);
  const auto known = query.series.find(key->labels);
  if (known == query.series.end()) return AddSeries(query, key);
  SeriesState& series = *known->second;
  if (series.aliases.size() == kAliasesMax) {
    series_by_object_.erase(series.aliases.front().get());
    series.aliases.erase(series.aliases.begin());
  }
  series.aliases.push_back(key);
  series_by_object_.emplace(key.get(), &series);
  return &series;
}

SeriesState* Engine::AddSeries(QueryState& query, const std::shared_ptr<const SeriesKey>& key) {
  if (stats_.series >= limits_.series_max) return nullptr;
  auto series = std::make_unique<SeriesState>();
  series->key = key;
  series->query = &query;
  SeriesState* const added = series.get();
  query.series.emplace(key->labels, std::move(series));
  series_by_object_.emplace(key.get(), added);
  ++stats_.series;
  for (BoundTransition* const bound : query.index.AddSeries(added, added->key->labels)) {
    if (bound->has_placeholder()) {
      rows_.Retire(std::move(bound->rows[0]), Cause::kSample);
      bound->rows.clear();
    } else if (rows_.size() >= limits_.rows_max) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(*bound, added, Cause::kSample);
  }
  return added;
}

void Engine::ApplyEvent(const SampleBatch& batch) {
  batch_series_.clear();
  for (const auto& key : batch.series) batch_series_.push_back(SeriesOf(key));
  const size_t count = batch.size();
  for (size_t i = 0; i < count; ++i) {
    // Neighbours in a batch are of different series, far apart in memory: fetch ahead, first the
    // series, then, when that has arrived, the end of its samples.
    if (i + 2 * kPrefetchSamples < count) {
      __builtin_prefetch(batch_series_[batch.series_index[i + 2 * kPrefetchSamples]]);
    }
    if (i + kPrefetchSamples < count) {
      const SeriesState* const later = batch_series_[batch.series_index[i + kPrefetchSamples]];
      if (later != nullptr) later->samples.PrefetchTail();
    }
    SeriesState* const target = batch_series_[batch.series_index[i]];
    if (target == nullptr) {
      ++stats_.samples_refused;
    } else if (batch.times[i] < sample_horizon_) {
      ++stats_.samples_expired;
    } else {
      ApplySample(*target, {batch.times[i], batch.values[i], batch.received_time});
    }
  }
}

void Engine::ApplySample(SeriesState& series, const Sample& sample) {
  const SampleSeries::Inserted inserted = series.samples.Insert(sample);
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
  // One compare tells that the sample can revise nothing: it is newer than every row.
  const bool look_back = series.has_first_after;
  if (!look_back && series.newest_row_time < sample.time) return;
  // Rows from here to the next sample, which a strict binding still excludes at its very time.
  const Timestamp from = look_back ? NewestValueBefore(series.samples, sample.time) : sample.time;
  const Timestamp through = inserted.next.value_or(Timestamp::Max());
  for (auto row = series.rows.lower_bound({from, nullptr});
       row != series.rows.end() && row->first <= through; ++row) {
    rows_.Touch(*row->second, reason);
  }
}

void Engine::ApplyEvent(const QueryProgress& progress) {
  QueryState& query = QueryOf(progress.query);
  const Interval covered = query.coverage.Add({progress.complete_from, progress.complete_through});
  for (auto row = query.provisional.lower_bound({covered.from, nullptr});
       row != query.provisional.end() && row->first <= covered.through; ++row) {
    rows_.Touch(*row->second, Cause::kFinalized);
  }
}

void Engine::ApplyEvent(TransitionEvent&& event) {
  ++stats_.notifications;
  if (LastHeard(event) < row_horizon_) {
    ++stats_.notifications_expired;
    return;
  }
  std::pair key(event.source, event.fingerprint);
  const auto known = alerts_.find(key);
  if (known == alerts_.end() && rows_.size() >= limits_.rows_max) {
    ++stats_.rows_refused;
    return;
  }
  Alert& alert = known == alerts_.end()
                     ? *alerts_.emplace(std::move(key), std::make_unique<Alert>()).first->second
                     : *known->second;
  AlertHistory::Bindings bindings;
  for (Binding& binding : event.bindings) bindings.push_back(bindings_.Intern(std::move(binding)));
  const AlertHistory::Changes changes = alert.history.Add(std::move(event), std::move(bindings));
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
  std::erase_if(transition.bound, [&](const std::unique_ptr<BoundTransition>& bound) {
    if (wanted(*bound)) return false;
    Unbind(*bound, reason);
    return true;
  });
  for (const auto& binding : side.bindings) {
    const bool known = std::any_of(
        transition.bound.begin(), transition.bound.end(),
        [&binding](const auto& bound) { return bound->binding->query == binding->query; });
    if (!known) Bind(transition, binding, reason);
  }
  if (transition.bound.empty()) Bind(transition, nullptr, reason);
}

void Engine::Bind(TransitionState& transition, std::shared_ptr<const Binding> binding,
                  Cause reason) {
  auto added = std::make_unique<BoundTransition>();
  added->transition = &transition;
  added->binding = std::move(binding);
  added->indexed = transition.transition;
  std::vector<SeriesState*> matches;
  if (added->binding != nullptr) {
    added->query = &QueryOf(added->binding->query);
    matches =
        added->query->index.AddTransition(added.get(), *added->binding, added->indexed->labels);
  }
  if (matches.empty()) rows_.Create(*added, nullptr, reason);
  for (SeriesState* const series : matches) {
    if (rows_.size() >= limits_.rows_max) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(*added, series, reason);
  }
  transition.bound.push_back(std::move(added));
}

void Engine::Unbind(BoundTransition& bound, Cause reason) {
  if (bound.query != nullptr) {
    bound.query->index.RemoveTransition(&bound, *bound.binding, bound.indexed->labels);
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
  for (auto& [query, state] : queries_) {
    for (auto& [labels, series] : state->series) series->samples.Expire(sample_horizon_);
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
  for (const auto& [query, state] : queries_) {
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
  stats.rows = rows_.size();
  stats.revisions_after_final = rows_.revisions_after_final();
  return stats;
}

}  // namespace alertjoin
