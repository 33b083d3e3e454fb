#include "ingest-service/reconcile/transition_ledger.h"

#include <algorithm>

namespace alertjoin {
namespace {

// What others have not read yet is judged again after so long.
constexpr Millis kJudgeAgain = std::chrono::seconds(5);

}  // namespace

TransitionLedger::Key TransitionLedger::KeyOf(const TransitionEvent& transition) {
  return {transition.fingerprint, transition.starts_at, transition.state};
}

TransitionLedger::Entries::iterator TransitionLedger::Touch(const TransitionEvent& transition,
                                                            Timestamp now) {
  const auto [place, is_new] = entries_.try_emplace(KeyOf(transition));
  if (!is_new) by_touched_.erase({place->second.touched, place->first});
  place->second.touched = now;
  place->second.event_time = transition.event_time();
  by_touched_.emplace(now, place->first);
  while (entries_.size() > options_.transitions_max) {
    const auto oldest = entries_.find(by_touched_.begin()->second);
    if (oldest == place) break;
    if (oldest->second.waiting) seen_.forgotten.Increment();
    Forget(oldest);
  }
  return place;
}

void TransitionLedger::OnSent(const TransitionEvent& transition, Timestamp now) {
  const auto place = Touch(transition, now);
  Entry& entry = place->second;
  if (entry.sent) return;
  entry.sent = true;
  if (entry.added) {
    // The pending start went with it.
    seen_.webhook_later.Increment();
    return;
  }
  if (transition.state == AlertState::kFiring && !transition.active_at) {
    entry.original = transition;
    entry.original->bindings.clear();
  }
  if (entry.found) {
    const std::optional<Timestamp> active_at =
        entry.waiting ? entry.waiting->active_at : std::nullopt;
    Meet(place, active_at, now);
  }
}

void TransitionLedger::OnFound(TransitionEvent transition, const Finding& finding, Timestamp now) {
  const auto place = Touch(transition, now);
  FileFound(place, std::move(transition), finding, now + options_.wait, now);
}

bool TransitionLedger::FileFound(Entries::iterator place, TransitionEvent transition,
                                 const Finding& finding, Timestamp due_at, Timestamp now) {
  Entry& entry = place->second;
  const Timestamp found_time = transition.event_time();
  // Alerts that are sent as one, and servers with the same rules, often have the same start. The
  // last of their ends counts.
  if (entry.found && (entry.sent || found_time <= entry.found_time)) return false;
  StopWaiting(place);
  entry.found = true;
  entry.judged = false;
  entry.found_time = found_time;
  entry.finding = finding;
  if (entry.sent) {
    Meet(place, transition.active_at, now);
  } else {
    Await(place, std::move(transition), due_at);
  }
  return true;
}

void TransitionLedger::Meet(Entries::iterator place, std::optional<Timestamp> active_at,
                            Timestamp now) {
  Entry& entry = place->second;
  seen_.both.Increment();
  StopWaiting(place);
  if (entry.original && active_at && *active_at <= entry.original->starts_at) {
    entry.original->active_at = active_at;
    Await(place, *std::move(entry.original), now);
  }
  entry.original.reset();
}

void TransitionLedger::Await(Entries::iterator place, TransitionEvent transition,
                             Timestamp due_at) {
  place->second.waiting = std::move(transition);
  place->second.due_at = due_at;
  due_.emplace(due_at, place->first);
}

void TransitionLedger::StopWaiting(Entries::iterator place) {
  if (!place->second.waiting) return;
  due_.erase({place->second.due_at, place->first});
  place->second.waiting.reset();
}

void TransitionLedger::Forget(Entries::iterator place) {
  StopWaiting(place);
  by_touched_.erase({place->second.touched, place->first});
  entries_.erase(place);
}

std::vector<TransitionEvent> TransitionLedger::Due(Timestamp now, size_t max) {
  std::vector<TransitionEvent> transitions;
  // What is judged may leave the list, and others with it.
  for (auto next = due_.begin();
       next != due_.end() && next->first <= now && transitions.size() < max;) {
    const auto current = *next;
    const auto place = entries_.find(current.second);
    if (Judge(place, now)) transitions.push_back(*place->second.waiting);
    next = due_.upper_bound(current);
  }
  return transitions;
}

bool TransitionLedger::Judge(Entries::iterator place, Timestamp now) {
  Entry& entry = place->second;
  if (entry.sent || entry.judged) return true;
  const TransitionEvent& found = *entry.waiting;
  const Finding finding = entry.finding;
  const bool is_end = found.state == AlertState::kResolved;
  const auto meaning = runs_.Of(found.fingerprint, finding.run, found.event_time(), now);
  std::optional<FiringRuns::Whole> whole;
  if (is_end && meaning != FiringRuns::Meaning::kNotKnownYet) {
    whole = runs_.WholeOf(found.fingerprint, found.starts_at, *found.ends_at, now);
  }
  const bool is_within = meaning == FiringRuns::Meaning::kWithinOther;
  // Another end may still turn out to lie within what has not been told yet, as this one did.
  const bool is_fresh =
      is_within && whole && whole->told <= now && now - whole->told < options_.wait;
  const bool is_known = meaning != FiringRuns::Meaning::kNotKnownYet;
  const bool is_over = whole && !whole->is_open && !is_fresh;
  if (!is_known || (is_end && !is_over)) {
    WaitForOthers(place, now);
    return false;
  }
  if (is_within) seen_.within_another.Increment();
  if (is_within && !is_end) {
    StopWaiting(place);
    return false;
  }
  entry.judged = true;
  const bool is_whole =
      !is_end || (whole->starts_at == found.starts_at && whole->ends_at == *found.ends_at);
  if (is_whole) return true;
  // Others saw more of what it ends.
  TransitionEvent end = *std::move(entry.waiting);
  StopWaiting(place);
  end.starts_at = whole->starts_at;
  end.ends_at = whole->ends_at;
  const auto whole_place = Touch(end, now);
  if (FileFound(whole_place, std::move(end), finding, now, now)) whole_place->second.judged = true;
  return false;
}

void TransitionLedger::WaitForOthers(Entries::iterator place, Timestamp now) {
  TransitionEvent waiting = *std::move(place->second.waiting);
  StopWaiting(place);
  Await(place, std::move(waiting), now + kJudgeAgain);
}

void TransitionLedger::OnTaken(const std::vector<TransitionEvent>& transitions) {
  for (const TransitionEvent& transition : transitions) {
    const auto place = entries_.find(KeyOf(transition));
    if (place == entries_.end() || !place->second.waiting) continue;
    StopWaiting(place);
    if (place->second.sent || place->second.added) continue;
    place->second.added = true;
    seen_.reconciliation_only.Increment();
  }
}

Timestamp TransitionLedger::NextDue() const {
  return due_.empty() ? Timestamp::Max() : due_.begin()->first;
}

std::optional<Timestamp> TransitionLedger::UndecidedFrom(Finder finder) const {
  std::optional<Timestamp> from;
  for (const auto& [due_at, key] : due_) {
    const Entry& entry = entries_.at(key);
    if (entry.finding.finder != finder) continue;
    const Timestamp again = entry.finding.read_again_from;
    from = std::min(from.value_or(again), again);
  }
  return from;
}

void TransitionLedger::Sweep(Timestamp from, Timestamp through, Timestamp now) {
  for (auto place = entries_.begin(); place != entries_.end();) {
    Entry& entry = place->second;
    if (entry.sent && !entry.found && !entry.counted && entry.event_time >= from &&
        entry.event_time <= through) {
      entry.counted = true;
      entry.original.reset();
      seen_.webhook_only.Increment();
    }
    const auto swept = place++;
    // A clock that was set back makes nothing old, but nothing must stay for ever either.
    const bool old = entry.touched + options_.remembered < now || entry.touched > now;
    if (old && !entry.waiting) Forget(swept);
  }
  runs_.Forget(now - options_.remembered);
}

}  // namespace alertjoin
