#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/event/event.h"
#include "common/sync/mutex.h"
#include "common/text/matchers.h"
#include "common/time/clock.h"

namespace prometheus {
class Gauge;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace alertjoin {

// alertname="Watchdog", as kube-prometheus has it.
Matchers DefaultHeartbeatMatchers();

// The heartbeat of one alert source: an alert that always fires and is sent again and again, so
// that its absence says that the way from the rules to us is broken.
struct HeartbeatOptions {
  bool enabled = true;
  // Whether one is known to come, by the configuration. Otherwise nothing is said before the first
  // one, and nobody has said how often it is sent again: that is learnt.
  bool expected = false;
  Matchers matchers = DefaultHeartbeatMatchers();  // Of the alert.
  // Of one that is not expected, the least (Heartbeats).
  Millis max_age = std::chrono::minutes(15);
};

// When the heartbeat of each alert source last came, as metrics: its unix time, and the age at
// which it is missing, where that is known. Of one that is not expected it is twice the longest of
// the last kPauses times between two, once there were as many: it may be sent again after minutes
// or after half a day, and sooner whenever something else of its group changes. The label is the
// source, so it is bounded by the configuration. Thread-safe. Clock and registry must outlive it.
class Heartbeats {
 public:
  // By the name of the source; those without an entry have no heartbeat.
  using Options = std::map<std::string, HeartbeatOptions>;
  static constexpr size_t kPauses = 10;

  // Watches none.
  Heartbeats(const Clock& clock, prometheus::Registry& registry);

  // From now on these. One that is expected and has not come yet counts as having come now; nothing
  // is said any more of those that are not among them.
  void Watch(Options options) EXCLUDES_LOCK(mutex_);

  // Whether the heartbeat of the source fires in a notification with these alerts.
  bool IsAmong(const std::string& source, std::span<const TransitionEvent> alerts) const
      EXCLUDES_LOCK(mutex_);
  // It has come now. Nothing where the source is not watched.
  void Beat(const std::string& source) EXCLUDES_LOCK(mutex_);

 private:
  struct Known {
    std::optional<Clock::Steady> beat;     // The last. None: it was only expected.
    std::deque<Millis> pauses;             // The last kPauses at most.
    prometheus::Gauge* last = nullptr;     // Null: nothing is shown.
    prometheus::Gauge* max_age = nullptr;  // Null: it is not known.
  };

  // Has come, or counts as if it had, now.
  void ShowLast(const std::string& source, Known& known) REQUIRES_LOCK(mutex_);
  void ShowMaxAge(const std::string& source, const HeartbeatOptions& heartbeat, Known& known)
      REQUIRES_LOCK(mutex_);
  void HideMaxAge(Known& known) REQUIRES_LOCK(mutex_);

  const Clock& clock_;
  prometheus::Family<prometheus::Gauge>& last_;
  prometheus::Family<prometheus::Gauge>& max_age_;

  mutable Mutex mutex_;
  std::shared_ptr<const Options> options_ GUARDED_BY(mutex_);  // Those that are enabled.
  std::map<std::string, Known> known_ GUARDED_BY(mutex_);  // Those that have come or are expected.
};

}  // namespace alertjoin
