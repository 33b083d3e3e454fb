// The engine's side of alerts as readers see them: episodes.

#include <algorithm>
#include <utility>

#include "correlator-service/join/engine.h"

namespace alertjoin {

void Engine::NoteAlerts(const KnownAlert& alert, const AlertHistory::Changes& changes) {
  for (const Timestamp episode : changes.removed) NoteGone(alert, episode);
  for (const AlertHistory::Episode& episode : changes.present) {
    const auto& newest = episode.newest().transition;
    // Most notifications repeat what is known.
    const EpisodeTransitions& known = *episode.transitions;
    const auto& before = known.resolved != nullptr ? known.resolved : known.firing;
    if (!changes.keeps_notification && before != nullptr && before->transition == newest) continue;
    NotedAlert& noted = noted_alerts_.emplace_back();
    noted.alert = &alert;
    noted.episode = episode.key;
    noted.description.transition = newest;
    noted.description.received_time = episode.received_time;
  }
}

void Engine::NoteGone(const KnownAlert& alert, Timestamp episode) {
  Alert& gone = noted_alerts_.emplace_back().description;
  gone.id = MakeAlertId(alert.source, alert.fingerprint, episode);
  gone.operation = Operation::kDelete;
}

std::vector<Alert> Engine::TakeAlerts() {
  std::vector<Alert> alerts;
  alerts.reserve(noted_alerts_.size());
  for (auto& [alert, episode, description] : std::exchange(noted_alerts_, {})) {
    if (alert != nullptr) {
      description.id = MakeAlertId(alert->source, alert->fingerprint, episode);
    }
    alerts.push_back(std::move(description));
  }
  std::stable_sort(alerts.begin(), alerts.end(),
                   [](const Alert& a, const Alert& b) { return a.id < b.id; });
  // Of each the last that was noted counts.
  size_t kept = 0;
  for (size_t i = 0; i < alerts.size(); ++i) {
    if (i + 1 < alerts.size() && alerts[i].id == alerts[i + 1].id) continue;
    if (kept != i) alerts[kept] = std::move(alerts[i]);
    ++kept;
  }
  alerts.resize(kept);
  return alerts;
}

}  // namespace alertjoin
