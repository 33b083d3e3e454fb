#include "tests/support/naive_join.h"

#include <algorithm>

namespace alertjoin {

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
  Match match{.state = kNoSample};
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

std::vector<NaiveJoin::Episode> NaiveJoin::EpisodesOf(const Notifications& notifications) {
  std::vector<Episode> episodes;
  for (const auto& [start, events] : notifications) {
    const bool is_apart = episodes.empty() || start >= episodes.back().through;
    if (is_apart) episodes.push_back({start, start, start, Timestamp::Max(), {}});
    Episode& episode = episodes.back();
    std::pair last(false, start);  // Whether it is an end, which outranks any word of firing.
    for (const TransitionEvent& event : events) {
      last = std::max(last, std::pair(event.ends_at.has_value(), NaiveLastHeard(event)));
      Side& side = episode.sides.emplace(event.state, Side{event, {}}).first->second;
      NaiveAmend(side.transition, event);
      side.transition.starts_at = episode.starts_at;
      for (const auto& binding : event.bindings) side.bindings[binding->query].insert(*binding);
      if (event.active_at) episode.active_at = std::min(episode.active_at, *event.active_at);
    }
    episode.through = std::max(episode.through, last.second);
    episode.key = start;
    if (!last.first) episode.open_since = start;
  }
  return episodes;
}

bool NaiveJoin::IsCovered(const Query& query, Timestamp from, Timestamp through) const {
  while (from <= through && tables_.covered.contains({query, from})) from = from + Millis(1);
  return from > through;
}

// Whether progress covers every time at which a further sample would change the match.
bool NaiveJoin::IsFinal(const JoinedRow& row) const {
  const auto& [query, tolerance] = std::tie(row.binding->query, row.binding->tolerance);
  const Timestamp time = row.transition->event_time(), oldest = time - tolerance;
  Timestamp from = std::max(row.match.sample_time.value_or(oldest), oldest);
  if (query.time_kind == TimeKind::kEvaluation) from = time;
  const Timestamp latest = row.binding->first_after ? time + tolerance : time;
  return IsCovered(query, from, std::min(row.match.next_sample_time.value_or(latest), latest));
}

bool NaiveJoin::IsFinalAtActive(const JoinedRow& row) const {
  const Timestamp time = *row.transition->active_at, oldest = time - row.binding->tolerance;
  const bool is_evaluated = row.binding->query.time_kind == TimeKind::kEvaluation;
  const Timestamp from = is_evaluated ? time : row.match.active_sample_time.value_or(oldest);
  return IsCovered(row.binding->query, from, time);
}

void NaiveJoin::AddRows(const Side& side, const Episode& episode, Rows& rows) const {
  if (side.transition.ends_at && *side.transition.ends_at < episode.open_since) return;
  Transition alert = side.transition;
  alert.active_at.reset();
  if (episode.active_at <= episode.starts_at) alert.active_at = episode.active_at;
  JoinedRow row;
  row.transition = std::make_shared<const Transition>(alert);
  Identity identity{alert.source, alert.fingerprint, episode.key, alert.state, {}, {}};
  if (side.bindings.empty()) rows[identity] = row;
  for (const auto& [query, bindings] : side.bindings) {
    const Binding& binding = *bindings.begin();
    row.binding = std::make_shared<const Binding>(binding);
    identity.query = query;
    identity.series.reset();
    for (const auto& [series, samples] : tables_.samples) {
      const auto& [its_query, labels] = series;
      if (its_query != query || !Belongs(alert.labels, labels, binding)) continue;
      row.match = MatchOf(samples, alert.event_time(), binding);
      const Match then = MatchOf(samples, alert.active_at.value_or(Timestamp::Min()), binding);
      if (alert.active_at && then.value) row.match.value_at_active = then.value;
      if (alert.active_at && then.value) row.match.active_sample_time = then.sample_time;
      row.match.series = std::make_shared<const SeriesKey>(SeriesKey{nullptr, labels});
      identity.series = labels;
      rows[identity] = row;
    }
    row.match = {.state = MatchState::kNoSeries};
    const auto error = tables_.errors.find(query);
    if (error != tables_.errors.end() && !error->second.second.empty()) {
      row.match.query_error = std::make_shared<const std::string>(error->second.second);
    }
    if (!identity.series) rows[identity] = row;
  }
}

// The samples that a row was made of may be gone: of a time from before the horizon it keeps what
// it said.
void NaiveJoin::Judge(JoinedRow& row, const JoinedRow* before) const {
  if (row.binding == nullptr) return void(row.final = true);
  const auto is_gone = [&](Timestamp time) { return before && time < tables_.sample_horizon; };
  const auto& active_at = row.transition->active_at;
  bool was_final = false;
  if (active_at && is_gone(*active_at) && before->transition->active_at == active_at) {
    row.match.value_at_active = before->match.value_at_active;
    row.match.active_sample_time = before->match.active_sample_time;
    was_final = before->final;
  }
  row.final = IsFinal(row) && (!active_at || was_final || IsFinalAtActive(row));
  if (!is_gone(row.transition->event_time())) return;
  const Match now = std::exchange(row.match, before->match);
  row.match.value_at_active = now.value_at_active;
  row.match.active_sample_time = now.active_sample_time;
  row.final = before->final;
}

void NaiveJoin::Compute() {
  Rows rows;
  for (auto& [alert, reports] : tables_.alerts) {
    for (const Episode& episode : EpisodesOf(reports)) {
      if (episode.through < tables_.row_horizon) {
        reports.erase(reports.find(episode.starts_at), reports.upper_bound(episode.key));
        continue;
      }
      for (const auto& [state, side] : episode.sides) AddRows(side, episode, rows);
    }
  }
  for (auto& [identity, row] : rows) {
    Judge(row, rows_.contains(identity) ? &rows_[identity] : nullptr);
  }
  rows_ = std::move(rows);
}

}  // namespace alertjoin
