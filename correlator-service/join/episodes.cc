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
bool AddBinding(AlertHistory::Bindings& bindings,
                const std::shared_ptr<const BindingState>& added) {
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
  return std::max(starts_at, ends_at.value_or(last_reported));
}

bool AlertHistory::Knows(const Transition& event) const {
  const auto known = FindNearEnd(reports_, event.starts_at);
  if (known == reports_.end()) return false;
  const Report& report = *known->second;
  return (event.state == AlertState::kResolved ? report.resolved : report.firing).has_value();
}

AlertHistory::Filed AlertHistory::File(std::shared_ptr<const Transition> event, Bindings bindings,
                                       Report& report) {
  const bool is_new = !report.firing && !report.resolved;
  Filed filed{is_new, is_new};
  const bool is_resolved = event->state == AlertState::kResolved;
  auto& state_report = is_resolved ? report.resolved : report.firing;
  if (!state_report.has_value()) state_report.emplace();
  for (const auto& binding : bindings) {
    if (AddBinding(state_report->bindings, binding)) filed = {true, true};
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
  if (state_report->first == nullptr || Outranks(*event, *state_report->first)) {
    state_report->first = std::move(event);
    filed = {true, true, true};
  }
  return filed;
}

AlertHistory::Changes AlertHistory::Add(std::shared_ptr<const Transition> event,
                                        Bindings bindings) {
  CHECK(event->state != AlertState::kResolved || event->ends_at.has_value());
  Changes changes;
  const Timestamp starts_at = event->starts_at;
  const auto place = LowerBoundNearEnd(reports_, starts_at);
  std::unique_ptr<Report>& report = reports_.try_emplace(place, starts_at)->second;
  if (report == nullptr) report = std::make_unique<Report>();
  const Filed filed = File(std::move(event), std::move(bindings), *report);
  changes.report_changed = filed.report_changed;
  changes.keeps_notification = filed.keeps_notification;
  if (!filed.may_change_episodes) return changes;
  // The episodes that the report's start lies in, and all that its interval reaches. An end that
  // has become known may also free what the open interval had swallowed: the same episode.
  Timestamp first = starts_at;
  Timestamp last = starts_at;
  Timestamp through = report->Through(starts_at);
  auto span = UpperBoundNearEnd(spans_, starts_at);
  if (span != spans_.begin() &&
      (std::prev(span)->second.through > starts_at || std::prev(span)->second.key >= starts_at)) {
    --span;
  }
  while (span != spans_.end() && (span->first < through || span->first == first)) {
    first = std::min(first, span->first);
    last = std::max(last, span->second.key);
    through = std::max(through, span->second.through);
    ++span;
  }
  Regroup(first, last, changes);
  return changes;
}

void AlertHistory::Regroup(Timestamp first, Timestamp last, Changes& changes) {
  for (auto span = LowerBoundNearEnd(spans_, first); span != spans_.end() && span->first <= last;) {
    changes.removed.push_back(span->second.key);
    span = spans_.erase(span);
  }
  auto report = LowerBoundNearEnd(reports_, first);
  while (report != reports_.end() && report->first <= last) {
    const auto begin = report;
    const Timestamp starts_at = report->first;
    Span span{starts_at, report->second->Through(starts_at)};
    for (++report; report != reports_.end() && report->first < span.through; ++report) {
      span.key = report->first;
      span.through = std::max(span.through, report->second->Through(report->first));
    }
    spans_.insert_or_assign(LowerBoundNearEnd(spans_, starts_at), starts_at, span);
    changes.present.push_back(Describe(begin, report, span.key));
  }
  const auto is_present = [&changes](Timestamp key) {
    return std::any_of(changes.present.begin(), changes.present.end(),
                       [key](const Episode& episode) { return episode.key == key; });
  };
  changes.removed.erase(std::remove_if(changes.removed.begin(), changes.removed.end(), is_present),
                        changes.removed.end());
}

AlertHistory::Episode AlertHistory::Describe(Reports::const_iterator begin,
                                             Reports::const_iterator behind, Timestamp key) {
  const Timestamp starts_at = begin->first;
  Episode episode;
  episode.key = key;
  episode.received_time = Timestamp::Max();
  std::optional<Timestamp> ends_at;
  std::optional<Timestamp> active_at;
  StateReport firing;
  StateReport resolved;
  const auto merge = [](const std::optional<StateReport>& part, StateReport& whole) {
    if (!part) return;
    if (whole.first == nullptr || Outranks(*part->first, *whole.first)) whole.first = part->first;
    for (const auto& binding : part->bindings) AddBinding(whole.bindings, binding);
  };
  for (auto report = begin; report != behind; ++report) {
    const Report& part = *report->second;
    episode.received_time = std::min(episode.received_time, part.received_time);
    merge(part.firing, firing);
    merge(part.resolved, resolved);
    if (part.ends_at) ends_at = std::max(ends_at.value_or(*part.ends_at), *part.ends_at);
    if (part.active_at) active_at = std::min(active_at.value_or(*part.active_at), *part.active_at);
  }
  if (active_at > starts_at) active_at.reset();
  const auto side = [&](const StateReport& whole,
                        std::optional<Timestamp> end) -> std::optional<Side> {
    if (whole.first == nullptr) return std::nullopt;
    Side result;
    if (whole.first->starts_at == starts_at && whole.first->ends_at == end &&
        whole.first->active_at == active_at) {
      result.transition = whole.first;
    } else {
      auto amended = std::make_shared<Transition>(*whole.first);
      amended->starts_at = starts_at;
      amended->ends_at = end;
      amended->active_at = active_at;
      result.transition = std::move(amended);
    }
    result.bindings = whole.bindings;
    return result;
  };
  episode.firing = side(firing, std::nullopt);
  episode.resolved = side(resolved, ends_at);
  return episode;
}

AlertHistory::Changes AlertHistory::Regroup() {
  Changes changes;
  if (!reports_.empty()) Regroup(reports_.begin()->first, reports_.rbegin()->first, changes);
  return changes;
}

AlertReport AlertHistory::ReportOf(Timestamp starts_at) const {
  const auto found = reports_.find(starts_at);
  CHECK(found != reports_.end());
  const Report& known = *found->second;
  AlertReport report;
  report.starts_at = starts_at;
  const auto describe = [](const std::optional<StateReport>& state) {
    std::optional<AlertReport::Side> side;
    if (!state) return side;
    side.emplace();
    side->first = state->first;
    for (const auto& binding : state->bindings) side->bindings.push_back(binding->binding);
    return side;
  };
  report.firing = describe(known.firing);
  report.resolved = describe(known.resolved);
  const Transition& either = *(known.firing ? known.firing : known.resolved)->first;
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
  for (auto span = spans_.begin(); span != spans_.end();) {
    if (span->second.through >= horizon) {
      ++span;
      continue;
    }
    expired.episodes.push_back(span->second.key);
    const auto first = reports_.lower_bound(span->first);
    const auto end = reports_.upper_bound(span->second.key);
    for (auto report = first; report != end; ++report) expired.reports.push_back(report->first);
    reports_.erase(first, end);
    span = spans_.erase(span);
  }
  return expired;
}

}  // namespace alertjoin
