#include "ingest-service/intake/recent_transitions.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace alertjoin {
namespace {

// A newline is in no name of a source.
std::string KeyOf(const std::string& source, const std::string& fingerprint) {
  return source + '\n' + fingerprint;
}

void Mix(size_t& hash, size_t more) {
  hash ^= more + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
}

// Of what can differ between two bindings of one alert. A collision costs one binding that is
// learnt late, with 2^-64.
size_t HashOf(const std::vector<Shared<Binding>>& bindings) {
  const std::hash<std::string> text;
  size_t hash = bindings.size();
  for (const auto& shared : bindings) {
    const Binding& binding = *shared;
    for (const std::string* part : {&binding.query.source, &binding.query.name,
                                    &binding.query.expression, &binding.comparison_operator}) {
      Mix(hash, text(*part));
    }
    for (const std::string& label : binding.on) Mix(hash, text(label));
    Mix(hash, binding.threshold ? std::hash<double>()(*binding.threshold) : 1);
    Mix(hash, static_cast<size_t>(binding.tolerance.count()));
    Mix(hash, static_cast<size_t>(binding.matching) * 4 + (binding.strict ? 2 : 0) +
                  (binding.first_after ? 1 : 0));
  }
  return hash;
}

}  // namespace

bool RecentTransitions::Knows(const TransitionEvent& transition) {
  const size_t bindings = HashOf(transition.bindings);
  MutexLock lock(mutex_);
  const Alert* const alert = Find(KeyOf(transition.source, transition.fingerprint));
  if (alert == nullptr) return false;
  const auto episode =
      std::find_if(alert->episodes.begin(), alert->episodes.end(),
                   [&transition](const Episode& e) { return e.starts_at == transition.starts_at; });
  if (episode == alert->episodes.end()) return false;
  const bool is_found = transition.origin == Origin::kReconciliation;
  if (transition.state == AlertState::kResolved) {
    if (!is_found && !episode->resolved_sent) return false;
    return episode->ends_at.has_value() && *transition.ends_at <= *episode->ends_at &&
           episode->resolved_bindings == bindings;
  }
  if (!is_found && !episode->firing_sent) return false;
  if (!episode->fired_at.has_value() || episode->firing_bindings != bindings) return false;
  if (episode->ends_at.has_value()) return true;
  if (transition.received_time - *episode->fired_at >= kRepeatInterval) return false;
  return std::none_of(episode + 1, alert->episodes.end(), [&](const Episode& later) {
    return later.starts_at >= *episode->fired_at && later.starts_at < transition.received_time;
  });
}

std::optional<Timestamp> RecentTransitions::StartOf(const TransitionEvent& transition) {
  const bool is_end = transition.state == AlertState::kResolved;
  MutexLock lock(mutex_);
  const Alert* const alert = Find(KeyOf(transition.source, transition.fingerprint));
  if (alert == nullptr) return std::nullopt;
  for (auto episode = alert->episodes.rbegin(); episode != alert->episodes.rend(); ++episode) {
    // What began after an end is not what ended.
    if (is_end && episode->starts_at > *transition.ends_at) continue;
    const bool fires = episode->fired_at.has_value() && !episode->ends_at.has_value();
    // In optionals nothing is the least.
    const bool is_told_again = is_end && transition.ends_at <= episode->ends_at;
    return fires || is_told_again ? std::optional(episode->starts_at) : std::nullopt;
  }
  return std::nullopt;
}

void RecentTransitions::Remember(std::span<const TransitionEvent> transitions) {
  for (const TransitionEvent& transition : transitions) {
    std::string key = KeyOf(transition.source, transition.fingerprint);
    const size_t bindings = HashOf(transition.bindings);
    MutexLock lock(mutex_);
    Episodes& episodes = FindOrAdd(std::move(key)).episodes;
    auto episode = std::lower_bound(
        episodes.begin(), episodes.end(), transition.starts_at,
        [](const Episode& e, Timestamp starts_at) { return e.starts_at < starts_at; });
    if (episode == episodes.end() || episode->starts_at != transition.starts_at) {
      Episode added;
      added.starts_at = transition.starts_at;
      episode = episodes.insert(episode, added);
    }
    const bool is_sent = transition.origin != Origin::kReconciliation;
    if (transition.state == AlertState::kResolved) {
      episode->resolved_sent |= is_sent;
      episode->ends_at =
          std::max(episode->ends_at.value_or(*transition.ends_at), *transition.ends_at);
      episode->resolved_bindings = bindings;
    } else {
      episode->firing_sent |= is_sent;
      episode->fired_at =
          std::max(episode->fired_at.value_or(transition.received_time), transition.received_time);
      episode->firing_bindings = bindings;
    }
    if (episodes.size() > kEpisodesMax) episodes.erase(episodes.begin());
  }
}

RecentTransitions::Alert* RecentTransitions::Find(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  alerts_.splice(alerts_.begin(), alerts_, found->second);
  return &alerts_.front();
}

RecentTransitions::Alert& RecentTransitions::FindOrAdd(std::string key) {
  if (Alert* const known = Find(key)) return *known;
  if (alerts_.size() >= alerts_max_) {
    by_key_.erase(alerts_.back().key);
    alerts_.pop_back();
  }
  alerts_.push_front(Alert{std::move(key), {}});
  by_key_.emplace(alerts_.front().key, alerts_.begin());
  return alerts_.front();
}

}  // namespace alertjoin
