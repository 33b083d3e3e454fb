#pragma once

#include <map>
#include <memory>
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
  // Whether one is known to come. Otherwise nothing is said before the first one.
  bool expected = false;
  Matchers matchers = DefaultHeartbeatMatchers();  // Of the alert.
  Millis max_age = std::chrono::minutes(15);
};

// When the heartbeat of each alert source last came, as metrics: its unix time, and the age at
// which it is missing. The label is the source, so it is bounded by the configuration. Thread-safe.
// Clock and registry must outlive it.
class Heartbeats {
 public:
  // By the name of the source; those without an entry have no heartbeat.
  using Options = std::map<std::string, HeartbeatOptions>;

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
  struct Gauges {
    prometheus::Gauge* last = nullptr;
    prometheus::Gauge* max_age = nullptr;
  };

  void BeatLocked(const std::string& source, const HeartbeatOptions& heartbeat)
      REQUIRES_LOCK(mutex_);

  const Clock& clock_;
  prometheus::Family<prometheus::Gauge>& last_;
  prometheus::Family<prometheus::Gauge>& max_age_;

  mutable Mutex mutex_;
  std::shared_ptr<const Options> options_ GUARDED_BY(mutex_);  // Those that are enabled.
  std::map<std::string, Gauges> gauges_ GUARDED_BY(mutex_);    // Of those that have come.
};

}  // namespace alertjoin
