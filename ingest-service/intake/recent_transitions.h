#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "common/event/event.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// What was lately taken of which alerts, to tell news from repetition. What it calls known would
// change no row if it was taken again, which is all that its users rely on; it may well have
// forgotten: of `alerts_max` alerts it keeps those that were last spoken of, and of one alert the
// latest kEpisodesMax starts. Thread-safe.
class RecentTransitions {
 public:
  static constexpr size_t kAlertsMax = 100'000;  // Some 400 bytes each.
  static constexpr size_t kEpisodesMax = 4;
  // That an alert still fires is news so long after it was last taken (Alertmanager's default
  // repeat_interval): its episode is kept by the age of that.
  static constexpr Millis kRepeatInterval = std::chrono::hours(4);

  explicit RecentTransitions(size_t alerts_max = kAlertsMax) : alerts_max_(alerts_max) {}

  // True when all has been remembered that the transition says: identity, end and bindings. A later
  // end is news. So is what is sent of a transition that only reconciliation had told of: the rows
  // show what was sent. And so is a firing alert that was last taken before another start of the
  // same alert, for it says that both are one episode. REQUIRES: with its bindings.
  bool Knows(const TransitionEvent& transition) EXCLUDES_LOCK(mutex_);

  // The start of the episode that a transition is of which came without a start: the alert's
  // latest, for an end the latest that had begun by then, while that fires; and for an end that
  // lies in it or was told of it before. None: it is of no episode that is known.
  std::optional<Timestamp> StartOf(const TransitionEvent& transition) EXCLUDES_LOCK(mutex_);

  // REQUIRES: with their bindings; taken.
  void Remember(std::span<const TransitionEvent> transitions) EXCLUDES_LOCK(mutex_);

 private:
  // What was said of one start.
  struct Episode {
    Timestamp starts_at;
    std::optional<Timestamp> fired_at;  // When it was last said to be firing.
    std::optional<Timestamp> ends_at;
    size_t firing_bindings = 0;  // Hashes.
    size_t resolved_bindings = 0;
    bool firing_sent = false;  // Not only found by reconciliation.
    bool resolved_sent = false;
  };
  using Episodes = absl::InlinedVector<Episode, 1>;  // By start.
  struct Alert {
    std::string key;
    Episodes episodes;
  };

  // Null when nothing is known of the alert, which becomes the last to be forgotten otherwise.
  Alert* Find(std::string_view key) REQUIRES_LOCK(mutex_);
  Alert& FindOrAdd(std::string key) REQUIRES_LOCK(mutex_);

  const size_t alerts_max_;
  Mutex mutex_;
  std::list<Alert> alerts_ GUARDED_BY(mutex_);  // Those last spoken of in front.
  // The keys are those of the alerts.
  absl::flat_hash_map<std::string_view, std::list<Alert>::iterator> by_key_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
