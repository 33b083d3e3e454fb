#include "tests/support/naive_join.h"

#include <algorithm>

#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

Timestamp LastHeard(const Transition& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

bool Belongs(const LabelSet& alert, const LabelSet& series, const Binding& binding) {
  if (binding.matching == Matching::kOn) {
    return std::all_of(binding.on.begin(), binding.on.end(), [&](const std::string& name) {
      return alert.Get(name) == series.Get(name);
    });
  }
  return std::all_of(series.begin(), series.end(), [&](const LabelSet::Label& label) {
    return label.first == "__name__" || !alert.Has(label.first) ||
           alert.Get(label.first) == label.second;
  });
}

}  // namespace

void NaiveJoin::Apply(std::span<const Event> batch) {
  for (const Event& event : batch) {
    if (const auto* samples = std::get_if<SampleBatch>(&event)) {
      for (size_t i = 0; i < samples->size(); ++i) {
        const SeriesKey& key = *samples->series[samples->series_index[i]];
        auto& series = samples_[{*key.query, key.labels}];
        if (samples->times[i] >= sample_horizon_) series[samples->times[i]] = samples->values[i];
      }
    } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
      progress_.push_back(*progress);
    } else if (const auto* transition = TransitionOf(event)) {
      if (LastHeard(*transition) < row_horizon_) continue;
      notifications_[{transition->source, transition->fingerprint}].push_back(*transition);
    }
  }
  Compute();
}

void NaiveJoin::Expire(Timestamp sample_horizon, Timestamp row_horizon) {
  sample_horizon_ = std::max(sample_horizon_, sample_horizon);
  row_horizon_ = std::max(row_horizon_, row_horizon);
  for (auto& [key, samples] : samples_) {
    auto kept = samples.upper_bound(sample_horizon_);
    if (kept != samples.begin()) samples.erase(samples.begin(), std::prev(kept));
  }
  for (auto& [alert, notifications] : notifications_) {
    std::vector<TransitionEvent> kept;
    for (const Episode& episode : EpisodesOf(notifications)) {
      if (episode.through < row_horizon_) continue;
      for (const auto& event : notifications) {
        if (event.starts_at >= episode.from && event.starts_at <= episode.key)
          kept.push_back(event);
      }
    }
    notifications = kept;
  }
  Compute();
}

std::vector<NaiveJoin::Episode> NaiveJoin::EpisodesOf(
    const std::vector<TransitionEvent>& notifications) {
  std::map<Timestamp, Episode> by_start;
  for (const TransitionEvent& event : notifications) {
    Episode& episode = by_start[event.starts_at];
    episode.from = episode.key = event.starts_at;
    episode.notifications.push_back(event);
  }
  std::vector<Episode> episodes;
  for (auto& [start, episode] : by_start) {
    const bool ended = std::any_of(episode.notifications.begin(), episode.notifications.end(),
                                   [](const auto& event) { return event.ends_at.has_value(); });
    episode.through = start;
    for (const TransitionEvent& event : episode.notifications) {
      if (ended && !event.ends_at) continue;
      episode.through = std::max(episode.through, LastHeard(event));
    }
    if (episodes.empty() || start >= episodes.back().through) {
      episodes.push_back(episode);
      continue;
    }
    Episode& whole = episodes.back();
    whole.through = std::max(whole.through, episode.through);
    whole.key = start;
    for (const auto& event : episode.notifications) whole.notifications.push_back(event);
  }
  return episodes;
}

bool NaiveJoin::Covered(const Query& query, Timestamp from, Timestamp through) const {
  for (Timestamp ms = from; ms <= through; ms = ms + Millis(1)) {
    if (std::none_of(progress_.begin(), progress_.end(), [&](const QueryProgress& progress) {
          return progress.query == query && progress.complete_from <= ms &&
                 ms <= progress.complete_through;
        })) {
      return false;
    }
  }
  return true;
}

Match NaiveJoin::MatchOf(const std::map<Timestamp, double>& samples, Timestamp time,
                         const Binding& binding) const {
  Match match{MatchState::kNoSample, {}, {}, {}, {}, {}, {}};
  for (const auto& [at, value] : samples) {
    if (binding.strict ? at < time : at <= time) {
      const bool old = time - at > binding.tolerance;
      match.state = IsStaleMarker(value) ? MatchState::kStale
                    : old                ? MatchState::kTooOld
                                         : MatchState::kMatched;
      match.sample_time = at;
      match.value = match.state == MatchState::kMatched ? std::optional(value) : std::nullopt;
    }
    if (binding.first_after && at > time && !match.next_value && !IsStaleMarker(value)) {
      match.next_value = value;
      match.next_sample_time = at;
    }
  }
  return match;
}

bool NaiveJoin::IsFinal(const Match& match, Timestamp time, const Binding& binding) const {
  const Timestamp oldest = time - binding.tolerance;
  const bool evaluated = binding.query.time_kind == TimeKind::kEvaluation;
  const Timestamp from = evaluated ? time : std::max(match.sample_time.value_or(oldest), oldest);
  const Timestamp latest = time + binding.tolerance;
  const Timestamp after = std::min(match.next_sample_time.value_or(latest), latest);
  return Covered(binding.query, from, binding.first_after ? after : time);
}

void NaiveJoin::AddSide(const Episode& episode, AlertState state, RowsByName& rows) const {
  auto transition = std::make_shared<Transition>();
  std::map<Query, Binding> bindings;
  const TransitionEvent* first = nullptr;
  for (const TransitionEvent& event : episode.notifications) {
    if (event.state != state) continue;
    if (first == nullptr) first = &event;
    for (const auto& binding : event.bindings) bindings.emplace(binding->query, *binding);
    if (event.ends_at) transition->ends_at = std::max(transition->ends_at, event.ends_at);
  }
  if (first == nullptr) return;
  transition->state = state;
  transition->starts_at = episode.from;
  const Timestamp time = transition->event_time();
  const auto add = [&](const std::string& about, const Binding* binding, const LabelSet* series,
                       Match match, bool final) {
    std::string key = first->fingerprint + " " + std::to_string(episode.key.millis()) + about;
    if (series != nullptr) {
      match.series = std::make_shared<const SeriesKey>(SeriesKey{nullptr, *series});
    }
    const auto before = rows_.find(key += std::to_string(static_cast<int>(state)));
    if (before != rows_.end() && time < sample_horizon_) {
      match = before->second.match;
      final = before->second.final;
    }
    JoinedRow& added = rows[key];
    added.transition = transition;
    added.binding = binding ? std::make_shared<const Binding>(*binding) : nullptr;
    added.match = match;
    added.final = final;
  };
  if (bindings.empty()) add("", nullptr, nullptr, Match{}, true);
  for (const auto& [query, binding] : bindings) {
    bool found = false;
    for (const auto& [series, samples] : samples_) {
      if (series.first != query || !Belongs(first->labels, series.second, binding)) continue;
      found = true;
      const Match match = MatchOf(samples, time, binding);
      add(query.name + ToString(series.second), &binding, &series.second, match,
          IsFinal(match, time, binding));
    }
    const Match none{MatchState::kNoSeries, {}, {}, {}, {}, {}, {}};
    if (!found) add(query.name, &binding, nullptr, none, IsFinal(none, time, binding));
  }
}

void NaiveJoin::Compute() {
  RowsByName rows;
  for (const auto& [alert, notifications] : notifications_) {
    for (const Episode& episode : EpisodesOf(notifications)) {
      AddSide(episode, AlertState::kFiring, rows);
      AddSide(episode, AlertState::kResolved, rows);
    }
  }
  rows_ = std::move(rows);
}

std::vector<std::string> NaiveJoin::Rows() const {
  std::vector<std::string> texts;
  for (const auto& [key, row] : rows_) texts.push_back(Describe(row));
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace alertjoin
