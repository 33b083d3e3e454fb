#include "tests/support/naive_join.h"

#include <algorithm>

namespace alertjoin {

// The latest time at which the notification knows its alert as firing.
static Timestamp LastHeard(const Transition& event) {
  return event.ends_at ? *event.ends_at : std::max(event.starts_at, event.received_time);
}

static bool Belongs(const LabelSet& alert, const LabelSet& series, const Binding& binding) {
  const auto equal = [&](auto name) { return alert.Get(name) == series.Get(name); };
  if (binding.matching == Matching::kOn) return std::ranges::all_of(binding.on, equal);
  for (const auto& [name, value] : series) {
    if (name != "__name__" && alert.Has(name) && !equal(name)) return false;
  }
  return true;
}

static Match MatchOf(const std::map<Timestamp, double>& samples, Timestamp time,
                     const Binding& binding) {
  using enum MatchState;
  Match match{kNoSample, {}, {}, {}, {}, {}, {}};
  for (const auto& [at, value] : samples) {
    if (binding.strict ? at < time : at <= time) {
      const bool is_old = time - at > binding.tolerance;
      match.state = IsStaleMarker(value) ? kStale : is_old ? kTooOld : kMatched;
      match.sample_time = at;
      match.value = match.state == kMatched ? std::optional(value) : std::nullopt;
    } else if (binding.first_after && at > time && !match.next_value && !IsStaleMarker(value)) {
      match.next_value = value;
      match.next_sample_time = at;
    }
  }
  return match;
}

void NaiveJoin::Apply(std::span<const Event> batch) {
  for (const Event& event : batch) {
    if (const auto* samples = std::get_if<SampleBatch>(&event)) {
      for (size_t i = 0; i < samples->size(); ++i) {
        const SeriesKey& key = *samples->series[samples->series_index[i]];
        if (samples->times[i] < sample_horizon_) continue;
        samples_[{*key.query, key.labels}][samples->times[i]] = samples->values[i];
      }
    } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
      const auto& [query, from, through] = *progress;
      for (Timestamp at = from; at <= through; at = at + Millis(1)) covered_.insert({query, at});
    } else if (const auto* gap = std::get_if<Gap>(&event); gap != nullptr && gap->voids_progress) {
      const auto& [source, query, from, through, reason, voids] = *gap;
      for (Timestamp at = *from; at <= through; at = at + Millis(1)) void_.insert({*query, at});
    } else if (const auto* alert = TransitionOf(event)) {
      if (LastHeard(*alert) < row_horizon_) continue;
      alerts_[{alert->source, alert->fingerprint}][alert->starts_at].push_back(*alert);
    }
  }
  Compute();
}

void NaiveJoin::Expire(Timestamp sample_horizon, Timestamp row_horizon) {
  sample_horizon_ = std::max(sample_horizon_, sample_horizon);
  row_horizon_ = std::max(row_horizon_, row_horizon);
  for (auto& [series, samples] : samples_) {
    const auto behind = samples.lower_bound(sample_horizon_);
    if (behind != samples.begin()) samples.erase(samples.begin(), std::prev(behind));
  }
  Compute();
}

std::vector<NaiveJoin::Episode> NaiveJoin::EpisodesOf(const Notifications& notifications) {
  std::vector<Episode> episodes;
  for (const auto& [start, events] : notifications) {
    const bool is_apart = episodes.empty() || start >= episodes.back().through;
    if (is_apart) episodes.push_back({start, start, start, {}});
    Episode& episode = episodes.back();
    std::pair last(false, start);  // Whether it is an end, which outranks any word of firing.
    for (const TransitionEvent& event : events) {
      last = std::max(last, std::pair(event.ends_at.has_value(), LastHeard(event)));
      Side& side = episode.sides.emplace(event.state, Side{event, {}}).first->second;
      side.transition.starts_at = episode.starts_at;
      side.transition.ends_at = std::max(side.transition.ends_at, event.ends_at);
      for (const auto& binding : event.bindings) side.bindings[binding->query].insert(*binding);
    }
    episode.through = std::max(episode.through, last.second);
    episode.key = start;
  }
  return episodes;
}

// Whether progress covers every time at which a further sample would change the match.
bool NaiveJoin::IsFinal(const JoinedRow& row) const {
  if (row.binding == nullptr) return true;
  const auto& [query, tolerance] = std::tie(row.binding->query, row.binding->tolerance);
  const Timestamp time = row.transition->event_time(), oldest = time - tolerance;
  Timestamp at = std::max(row.match.sample_time.value_or(oldest), oldest);
  if (query.time_kind == TimeKind::kEvaluation) at = time;
  const Timestamp latest = row.binding->first_after ? time + tolerance : time;
  const Timestamp through = std::min(row.match.next_sample_time.value_or(latest), latest);
  while (at <= through && covered_.contains({query, at})) at = at + Millis(1);
  return at > through;
}

void NaiveJoin::AddRows(const Side& side, Timestamp episode, Rows& rows) const {
  const Transition& alert = side.transition;
  JoinedRow row;
  row.transition = std::make_shared<const Transition>(alert);
  Identity identity{alert.source, alert.fingerprint, episode, alert.state, {}, {}};
  if (side.bindings.empty()) rows[identity] = row;
  for (const auto& [query, bindings] : side.bindings) {
    const Binding& binding = *bindings.begin();
    row.binding = std::make_shared<const Binding>(binding);
    identity.query = query;
    identity.series.reset();
    for (const auto& [series, samples] : samples_) {
      const auto& [its_query, labels] = series;
      if (its_query != query || !Belongs(alert.labels, labels, binding)) continue;
      row.match = MatchOf(samples, alert.event_time(), binding);
      row.match.series = std::make_shared<const SeriesKey>(SeriesKey{nullptr, labels});
      identity.series = labels;
      rows[identity] = row;
    }
    row.match = {MatchState::kNoSeries, {}, {}, {}, {}, {}, {}};
    if (!identity.series) rows[identity] = row;
  }
}

void NaiveJoin::Compute() {
  std::erase_if(covered_, [this](const auto& at) { return void_.contains(at); });
  Rows rows;
  for (auto& [alert, reports] : alerts_) {
    for (const Episode& episode : EpisodesOf(reports)) {
      if (episode.through < row_horizon_) {
        reports.erase(reports.find(episode.starts_at), reports.upper_bound(episode.key));
        continue;
      }
      for (const auto& [state, side] : episode.sides) AddRows(side, episode.key, rows);
    }
  }
  for (auto& [identity, row] : rows) {
    row.final = IsFinal(row);
    if (row.transition->event_time() >= sample_horizon_ || !rows_.contains(identity)) continue;
    row.match = rows_[identity].match;  // The samples that it came from may be gone.
    row.final = rows_[identity].final;
  }
  rows_ = std::move(rows);
}

}  // namespace alertjoin
