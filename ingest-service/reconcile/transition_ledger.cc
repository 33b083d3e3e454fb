#include "ingest-service/reconcile/transition_ledger.h"

#include <algorithm>

namespace alertjoin {

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

void TransitionLedger::OnFound(TransitionEvent transition, Finder finder, Timestamp read_again_from,
                               Timestamp now) {
  const auto place = Touch(transition, now);
  Entry& entry = place->second;
  if (entry.found) return;
  entry.found = true;
  entry.finder = finder;
  entry.read_again_from = read_again_from;
  if (entry.sent) {
    Meet(place, transition.active_at, now);
  } else {
    Await(place, std::move(transition), now + options_.wait);
  }
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

std::vector<TransitionEvent> TransitionLedger::Due(Timestamp now, size_t max) const {
  std::vector<TransitionEvent> transitions;
  for (const auto& [due_at, key] : due_) {
    if (due_at > now || transitions.size() == max) break;
    transitions.push_back(*entries_.at(key).waiting);
  }
  return transitions;
}

void TransitionLedger::OnTaken(const std::vector<TransitionEvent>& transitions) {
  for (const TransitionEvent& transition : transitions) {
    const auto place = entries_.find(KeyOf(transition));
    if (place == entries_.end() || !place->second.waiting) continue;
    StopWaiting(place);
    if (place->second.sent) continue;
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
    if (entry.finder != finder) continue;
    from = std::min(from.value_or(entry.read_again_from), entry.read_again_from);
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
}

}  // namespace alertjoin
