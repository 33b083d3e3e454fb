#include "correlator-service/join/episodes.h"

#include <algorithm>
#include <tuple>

#include "common/status/status.h"
#include "correlator-service/join/engine_state.h"
#include "correlator-service/join/near_end.h"
#include "correlator-service/model/transition_report.h"

namespace alertjoin {
namespace {

// Two notifications may bind one query differently (the configuration changed in between). Which of
// them counts must not depend on their order.
bool Before(const Binding& a, const Binding& b) { return a.Key() < b.Key(); }

// True when it adds something.
template <typename Bindings, typename Pointer>
bool AddBinding(Bindings& bindings, const Pointer& added) {
  if (bindings.empty()) {
    bindings.push_back(added);
    return true;
  }
  const auto place = std::lower_bound(
      bindings.begin(), bindings.end(), added->binding->query,
      [](const auto& state, const Query& query) { return state->binding->query < query; });
  if (place == bindings.end() || (*place)->query != added->query) {
    bindings.insert(place, added);
    return true;
  }
  if (*place == added || !Before(*added->binding, *(*place)->binding)) return false;
  *place = added;
  return true;
}

}  // namespace

Timestamp AlertHistory::Report::Through(Timestamp starts_at) const {
  return std::max(starts_at, ends_at ? *ends_at : last_reported);
}

bool AlertHistory::Knows(const Transition& event) const {
  const auto known = FindNearEnd(reports_, event.starts_at);
  if (known == reports_.end()) return false;
  const Report& report = *known->second;
  return bool(event.state == AlertState::kResolved ? report.resolved : report.firing);
}

AlertHistory::Filed AlertHistory::File(std::shared_ptr<const Transition> event, Bindings bindings,
                                       Report& report) {
  const bool is_new = !report.firing && !report.resolved;
  Filed filed{is_new, is_new};
  const bool is_resolved = event->state == AlertState::kResolved;
  StateReport& state_report = is_resolved ? report.resolved : report.firing;
  if (state_report.bindings.empty() && bindings.size() == 1) {
    state_report.bindings = std::move(bindings);
    filed = {true, true};
  } else {
    for (const auto& binding : bindings) {
      if (AddBinding(state_report.bindings, binding)) filed = {true, true};
    }
  }
  if (is_resolved && (!report.ends_at || *report.ends_at < *event->ends_at)) {
    report.ends_at = event->ends_at;
    filed = {true, true};
  }
  if (event->active_at && (!report.active_at || *event->active_at < *report.active_at)) {
    report.active_at = event->active_at;
    filed = {true, true};
  }
  if (!is_resolved && (is_new || report.last_reported < event->received_time)) {
    report.last_reported = event->received_time;
    filed.report_changed = true;
    if (!report.ends_at) filed.may_change_episodes = true;
  }
  if (event->received_time < report.received_time) {
    report.received_time = event->received_time;
    filed = {true, true, true};
  }
  if (!state_report || Outranks(*event, *state_report.first)) {
    state_report.first = std::move(event);
    filed = {true, true, true};
  }
  return filed;
}

AlertHistory::Reports::iterator AlertHistory::BeginOfEpisode(Reports::iterator report) {
  auto begin = report;
  for (; !begin->second->span; --begin) {
    if (begin == reports_.begin()) return report;
    // Behind the end of another episode, which may be long: one search, and no walk.
    const OptionalTime start = std::prev(begin)->second->episode_start;
    if (!start) continue;
    begin = FindNearEnd(reports_, *start);
    return begin->second->span->through > report->first ? begin : report;
  }
  return begin;
}

bool AlertHistory::StandsAlone(Reports::iterator report) const {
  const auto next = std::next(report);
  if (next != reports_.end()) return false;
  if (report == reports_.begin()) return true;
  const Report& before = *std::prev(report)->second;
  return before.span && before.episode_start && before.span->through <= report->first;
}

AlertHistory::Changes AlertHistory::Add(std::shared_ptr<const Transition> event,
                                        Bindings bindings) {
  CHECK(event->state != AlertState::kResolved || event->ends_at.has_value());
  Changes changes;
  const Timestamp starts_at = event->starts_at;
  const auto added = reports_.try_emplace(LowerBoundNearEnd(reports_, starts_at), starts_at);
  if (added->second == nullptr) added->second = std::make_unique<Report>();
  Report& report = *added->second;
  const Filed filed = File(std::move(event), std::move(bindings), report);
  changes.report_changed = filed.report_changed;
  changes.keeps_notification = filed.keeps_notification;
  if (!filed.may_change_episodes) return changes;
  if (StandsAlone(added)) {
    report.span = Span{starts_at, report.Through(starts_at)};
    report.episode_start = starts_at;
    changes.present.push_back(Describe(added, std::next(added)));
    return changes;
  }
  // The episode that the report's start lies in, and all that its interval reaches. An end that has
  // become known may also free what the open interval had swallowed: the same episode.
  Timestamp through = report.Through(starts_at);
  const auto begin = BeginOfEpisode(added);
  auto end = begin;
  do {
    const auto& span = end->second->span;
    const Timestamp key = span ? span->key : end->first;
    if (span) through = std::max(through, span->through);
    while (end != reports_.end() && end->first <= key) ++end;
  } while (end != reports_.end() && (end->first < through || end->first <= starts_at));
  Regroup(begin, end, changes);
  return changes;
}

void AlertHistory::Regroup(Reports::iterator begin, Reports::iterator end, Changes& changes) {
  for (auto report = begin; report != end; ++report) {
    report->second->episode_start.reset();
    if (!report->second->span) continue;
    changes.removed.push_back(report->second->span->key);
    report->second->span.reset();
  }
  for (auto report = begin; report != end;) {
    const auto first = report;
    Span span{first->first, first->second->Through(first->first)};
    for (++report; report != end && report->first < span.through; ++report) {
      span.key = report->first;
      span.through = std::max(span.through, report->second->Through(report->first));
    }
    first->second->span = span;
    std::prev(report)->second->episode_start = first->first;
    changes.present.push_back(Describe(first, report));
  }
  const auto is_present = [&changes](Timestamp key) {
    return std::any_of(changes.present.begin(), changes.present.end(),
                       [key](const Episode& episode) { return episode.key == key; });
  };
  changes.removed.erase(std::remove_if(changes.removed.begin(), changes.removed.end(), is_present),
                        changes.removed.end());
}

AlertHistory::Episode AlertHistory::Describe(Reports::iterator begin, Reports::iterator end) {
  const Timestamp starts_at = begin->first;
  const auto& [key, last] = *std::prev(end);
  Episode episode;
  episode.key = key;
  episode.transitions = &last->transitions;
  episode.received_time = Timestamp::Max();
  std::optional<Timestamp> ends_at;
  std::optional<Timestamp> active_at;
  OptionalTime open_since;  // The last start that has no end.
  const auto merge = [](const StateReport& part, std::optional<Side>& whole) {
    if (!part) return;
    if (!whole) whole.emplace();
    if (whole->transition == nullptr || Outranks(*part.first, *whole->transition)) {
      whole->transition = part.first;
    }
    for (const auto& binding : part.bindings) AddBinding(whole->bindings, binding.get());
  };
  for (auto report = begin; report != end; ++report) {
    const Report& part = *report->second;
    episode.received_time = std::min(episode.received_time, part.received_time);
    merge(part.firing, episode.firing);
    merge(part.resolved, episode.resolved);
    if (part.ends_at) {
      ends_at = std::max(ends_at.value_or(*part.ends_at), *part.ends_at);
    } else {
      open_since = report->first;
    }
    if (part.active_at) active_at = std::min(active_at.value_or(*part.active_at), *part.active_at);
  }
  if (active_at > starts_at) active_at.reset();
  if (ends_at && open_since && *open_since > *ends_at) episode.resolved.reset();
  const auto amend = [&](std::optional<Side>& side, std::optional<Timestamp> its_end) {
    if (!side) return;
    const Transition& first = *side->transition;
    if (first.starts_at == starts_at && first.ends_at == its_end && first.active_at == active_at) {
      return;
    }
    auto amended = std::make_shared<Transition>(first);
    amended->starts_at = starts_at;
    amended->ends_at = its_end;
    amended->active_at = active_at;
    side->transition = std::move(amended);
  };
  amend(episode.firing, std::nullopt);
  amend(episode.resolved, ends_at);
  return episode;
}

AlertHistory::Changes AlertHistory::Regroup() {
  Changes changes;
  Regroup(reports_.begin(), reports_.end(), changes);
  return changes;
}

EpisodeTransitions& AlertHistory::TransitionsOf(Timestamp key) {
  const auto found = FindNearEnd(reports_, key);
  CHECK(found != reports_.end());
  return found->second->transitions;
}

EpisodeTransitions* AlertHistory::FirstTransitionsFrom(Timestamp key) {
  for (auto report = reports_.lower_bound(key); report != reports_.end(); ++report) {
    // From the start of an episode one search leads to its key.
    const auto& span = report->second->span;
    if (span) report = FindNearEnd(reports_, span->key);
    EpisodeTransitions& kept = report->second->transitions;
    if (kept.firing != nullptr || kept.resolved != nullptr) return &kept;
  }
  return nullptr;
}

AlertReport AlertHistory::ReportOf(Timestamp starts_at) const {
  const auto found = reports_.find(starts_at);
  CHECK(found != reports_.end());
  const Report& known = *found->second;
  AlertReport report;
  report.starts_at = starts_at;
  const auto describe = [](const StateReport& state) {
    std::optional<AlertReport::Side> side;
    if (!state) return side;
    side.emplace();
    side->first = state.first;
    for (const auto& binding : state.bindings) side->bindings.push_back(binding->binding);
    return side;
  };
  report.firing = describe(known.firing);
  report.resolved = describe(known.resolved);
  const Transition& either = *(known.firing ? known.firing : known.resolved).first;
  report.source = either.source;
  report.fingerprint = either.fingerprint;
  report.last_reported = known.last_reported;
  report.received_time = known.received_time;
  report.ends_at = known.ends_at;
  report.active_at = known.active_at;
  return report;
}

AlertHistory::Expired AlertHistory::Expire(Timestamp horizon) {
  Expired expired;
  for (auto begin = reports_.begin(); begin != reports_.end();) {
    const auto& span = begin->second->span;
    CHECK(span.has_value());
    const bool goes = span->through < horizon;
    const Timestamp key = span->key;
    const auto end = key == begin->first ? std::next(begin) : reports_.upper_bound(key);
    if (!goes) {
      begin = end;
      continue;
    }
    for (auto report = begin; report != end; ++report) expired.reports.push_back(report->first);
    expired.episodes.push_back({key, std::move(std::prev(end)->second->transitions)});
    begin = reports_.erase(begin, end);
  }
  return expired;
}

}  // namespace alertjoin
