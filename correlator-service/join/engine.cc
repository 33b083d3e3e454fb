#include "correlator-service/join/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/hash/hash.h"
#include "common/status/status.h"
#include "correlator-service/model/transition_report.h"

namespace alertjoin {
namespace {

// Transitions whose memory is asked for together: what they touch stays well within a second-level
// cache.
constexpr size_t kGroupTransitions = 32;

// The latest time at which the notification knows its alert as firing.
Timestamp LastHeard(const Transition& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

}  // namespace

std::vector<JoinedRow> Engine::Apply(std::vector<Event> events, Timestamp applied_at) {
  noted_alerts_.clear();
  changed_reports_.clear();
  gone_reports_.clear();
  const auto in_stretch = [](const Event& event) {
    return std::holds_alternative<SampleBatch>(event) || TransitionOf(event) != nullptr;
  };
  for (auto event = events.begin(); event != events.end();) {
    const auto end = std::find_if_not(event, events.end(), in_stretch);
    ApplyStretch({event, end});
    event = end;
    for (; event != events.end() && !in_stretch(*event); ++event) {
      std::visit([this](const auto& kind) { ApplyEvent(kind); }, *event);
    }
  }
  SampleSeries::FinishWrites();
  return rows_.Flush(applied_at);
}

void Engine::ApplyStretch(std::span<const Event> events) {
  batches_.clear();
  for (const Event& event : events) {
    const auto* const batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    if (!batches_.empty() && batch->series.id() != batches_[0]->series.id()) {
      ApplyBatches(batches_);
      batches_.clear();
    }
    batches_.push_back(batch);
  }
  if (!batches_.empty()) ApplyBatches(batches_);
  std::array<const Shared<TransitionEvent>*, kGroupTransitions> group;
  size_t size = 0;
  for (const Event& event : events) {
    const auto* const transition = std::get_if<Shared<TransitionEvent>>(&event);
    if (transition == nullptr) continue;
    group[size++] = transition;
    if (size == group.size()) ApplyGroup(std::span(group).first(std::exchange(size, 0)));
  }
  ApplyGroup(std::span(group).first(size));
}

void Engine::ApplyGroup(TransitionGroup group) {
  Prepare(group);
  for (const PreparedTransition& prepared : prepared_) ApplyTransition(prepared);
}

Engine::AlertId::AlertId(std::string_view of_source, std::string_view its_fingerprint)
    : source(of_source),
      fingerprint(its_fingerprint),
      hash(absl::HashOf(of_source, its_fingerprint)) {}

void Engine::ApplyTransition(const PreparedTransition& prepared) {
  const Shared<TransitionEvent>& event = *prepared.event;
  const AlertId& id = prepared.id;
  ++stats_.notifications;
  if (LastHeard(*event) < row_horizon_) {
    ++stats_.notifications_expired;
    return;
  }
  const auto known = alerts_.find(id);
  if (rows_.full() && (known == alerts_.end() || !known->alert->history.Knows(*event))) {
    ++stats_.rows_refused;
    return;
  }
  if (known == alerts_.end() && alerts_of_source_[event->source] >= limits_.source_alerts_max) {
    ++stats_.alerts_refused;
    return;
  }
  KnownAlert& alert = known == alerts_.end() ? AlertOf(id) : *known->alert;
  AlertHistory::Bindings bindings;
  for (const auto& binding : event->bindings) {
    bindings.push_back(bindings_.Resolve(binding, directory_));
  }
  const AlertHistory::Changes changes = alert.history.Add(event.pointer(), std::move(bindings));
  if (changes.report_changed) changed_reports_.emplace_back(&alert, event->starts_at);
  if (changes.present.empty()) ++stats_.notifications_repeated;
  NoteAlerts(alert, changes);
  current_ = &prepared;
  Reconcile(alert, changes);
  current_ = nullptr;
}

Engine::KnownAlert& Engine::AlertOf(const AlertId& id) {
  const auto known = alerts_.find(id);
  if (known != alerts_.end()) return *known->alert;
  auto added = std::make_unique<KnownAlert>();
  added->source = id.source;
  added->fingerprint = id.fingerprint;
  ++alerts_of_source_[added->source];
  return *alerts_.insert({id.hash, std::move(added)}).first->alert;
}

void Engine::Reconcile(KnownAlert& alert, const AlertHistory::Changes& changes) {
  for (const Timestamp episode : changes.removed) {
    Remove(alert.history.TransitionsOf(episode), Cause::kAlertAmended);
  }
  for (const AlertHistory::Episode& episode : changes.present) {
    Reconcile(episode.key, episode.transitions->firing, episode.firing);
    Reconcile(episode.key, episode.transitions->resolved, episode.resolved);
  }
}

void Engine::Reconcile(Timestamp episode, std::unique_ptr<TransitionState>& transition,
                       const std::optional<AlertHistory::Side>& side) {
  if (!side) {
    Remove(transition, Cause::kAlertAmended);
    return;
  }
  if (transition == nullptr) {
    transition = std::make_unique<TransitionState>();
    transition->episode = episode;
    transition->transition = side->transition;
    rows_.Adopt(*transition);
    ReconcileBindings(*transition, *side, Cause::kAlert);
    return;
  }
  if (!SameForReaders(*transition->transition, *side->transition)) {
    rows_.Amend(*transition, side->transition);
  }
  ReconcileBindings(*transition, *side, Cause::kAlertAmended);
}

void Engine::ReconcileBindings(TransitionState& transition, const AlertHistory::Side& side,
                               Cause reason) {
  const auto wanted = [&side](const BoundTransition& bound) {
    if (bound.binding == nullptr) return side.bindings.empty();
    return std::find(side.bindings.begin(), side.bindings.end(), bound.binding) !=
           side.bindings.end();
  };
  transition.bound.RemoveIf([&](BoundTransition& bound) {
    if (wanted(bound)) return false;
    Unbind(bound, reason);
    return true;
  });
  for (const BindingState* const binding : side.bindings) {
    const bool known =
        std::any_of(transition.bound.begin(), transition.bound.end(),
                    [binding](const auto& bound) { return bound.query() == binding->query; });
    if (!known) Bind(transition, binding, reason);
  }
  if (transition.bound.empty()) Bind(transition, nullptr, reason);
}

void Engine::Bind(TransitionState& transition, const BindingState* binding, Cause reason) {
  BoundTransition& added = transition.bound.Add();
  added.transition = &transition;
  added.binding = binding;
  added.indexed = transition.transition;
  series_matches_.clear();
  if (added.binding != nullptr) {
    const LabelSet& labels = added.indexed->labels;
    MatchIndex& index = added.query()->index;
    added.group = added.binding->group;
    if (added.group == nullptr) added.group = index.GroupOf(*added.binding->binding, labels);
    const bool is_prepared = current_ != nullptr && current_->binding == binding &&
                             current_->event->pointer() == added.indexed;
    const MatchGroup::BucketKey key =
        is_prepared ? current_->key : MatchIndex::KeyOf(*added.group, labels, key_);
    index.AddTransition(added.group, key, &added, labels, &series_matches_);
  }
  if (series_matches_.empty()) rows_.Create(added, nullptr, reason);
  for (SeriesState* const series : series_matches_) {
    if (rows_.full()) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(added, series, reason);
  }
}

void Engine::Unbind(BoundTransition& bound, Cause reason) {
  if (bound.group != nullptr) {
    bound.query()->index.RemoveTransition(bound.group, &bound, bound.indexed->labels);
  }
  for (RowState& row : bound.rows) rows_.Retire(row, reason);
  bound.rows.clear();
}

void Engine::Remove(std::unique_ptr<TransitionState>& transition, Cause reason) {
  if (transition == nullptr) return;
  for (BoundTransition& bound : transition->bound) Unbind(bound, reason);
  rows_.Bury(std::move(transition));
}

void Engine::Remove(EpisodeTransitions& transitions, Cause reason) {
  Remove(transitions.firing, reason);
  Remove(transitions.resolved, reason);
}

std::vector<JoinedRow> Engine::Expire(Timestamp sample_horizon, Timestamp row_horizon,
                                      Timestamp applied_at) {
  noted_alerts_.clear();
  changed_reports_.clear();
  gone_reports_.clear();
  sample_horizon_ = std::max(sample_horizon_, sample_horizon);
  row_horizon_ = std::max(row_horizon_, row_horizon);
  rows_.SetSampleHorizon(sample_horizon_);
  for (auto& [query, state] : directory_.queries()) {
    for (SeriesState* const series : state->series) {
      stats_.sample_bytes -= series->samples.ByteSize();
      series->samples.Expire(sample_horizon_);
      stats_.sample_bytes += series->samples.ByteSize();
    }
    // Rows from the horizon on look back as far as their tolerance.
    state->coverage.Expire(sample_horizon_ - kToleranceMax);
  }
  for (auto place = alerts_.begin(); place != alerts_.end();) {
    KnownAlert& alert = *place->alert;
    AlertHistory::Expired expired = alert.history.Expire(row_horizon_);
    for (auto& [episode, transitions] : expired.episodes) {
      NoteGone(alert, episode);
      Remove(transitions, Cause::kExpired);
    }
    for (const Timestamp starts_at : expired.reports) {
      AlertReport& gone = gone_reports_.emplace_back();
      gone.source = alert.source;
      gone.fingerprint = alert.fingerprint;
      gone.starts_at = starts_at;
    }
    if (alert.history.empty()) {
      const auto of_source = alerts_of_source_.find(alert.source);
      if (--of_source->second == 0) alerts_of_source_.erase(of_source);
      alerts_.erase(place++);
    } else {
      ++place;
    }
  }
  std::vector<JoinedRow> changes = rows_.Flush(applied_at);
  bindings_.Purge();
  return changes;
}

std::vector<AlertReport> Engine::ChangedReports() const {
  std::vector<std::pair<const KnownAlert*, Timestamp>> changed = changed_reports_;
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  std::vector<AlertReport> reports = gone_reports_;
  for (const auto& [alert, starts_at] : changed) {
    reports.push_back(alert->history.ReportOf(starts_at));
  }
  return reports;
}

std::vector<JoinedRow> Engine::Rows() const {
  std::vector<JoinedRow> result;
  const auto add = [&result](const RowState& row) {
    result.push_back(RowTable::Describe(row, Operation::kUpsert, Cause::kAlert, Timestamp()));
  };
  for (const auto& [hash, alert] : alerts_) {
    alert->history.ForEachTransition([&add](const TransitionState& transition) {
      for (const BoundTransition& bound : transition.bound) {
        for (const RowState& row : bound.rows) add(row);
      }
    });
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
