// The engine's side of alerts as readers see them: episodes.

#include <algorithm>
#include <iterator>
#include <utility>

#include "correlator-service/join/engine.h"
#include "correlator-service/join/near_end.h"

namespace alertjoin {

void Engine::NoteAlerts(const KnownAlert& alert, const AlertHistory::Changes& changes) {
  for (const Timestamp episode : changes.removed) NoteGone(alert, episode);
  for (const AlertHistory::Episode& episode : changes.present) {
    const auto& newest = episode.newest().transition;
    // Most notifications repeat what is known. An id is a hash, and not made for nothing.
    const auto behind =
        UpperBoundNearEnd(alert.transitions, std::pair(episode.key, AlertState::kResolved));
    const bool is_same = !changes.keeps_notification && behind != alert.transitions.begin() &&
                         std::prev(behind)->first == std::pair(episode.key, newest->state) &&
                         std::prev(behind)->second->transition == newest;
    if (is_same) continue;
    Alert& noted = noted_alerts_.emplace_back();
    noted.id = MakeAlertId(alert.source, alert.fingerprint, episode.key);
    noted.transition = newest;
    noted.received_time = episode.received_time;
  }
}

void Engine::NoteGone(const KnownAlert& alert, Timestamp episode) {
  Alert& gone = noted_alerts_.emplace_back();
  gone.id = MakeAlertId(alert.source, alert.fingerprint, episode);
  gone.operation = Operation::kDelete;
}

std::vector<Alert> Engine::TakeAlerts() {
  std::vector<Alert> alerts = std::exchange(noted_alerts_, {});
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
