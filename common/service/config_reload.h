#pragma once

#include <prometheus/registry.h>

#include <functional>

#include "absl/status/status.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace prometheus {
class Gauge;
}

namespace alertjoin {

// Has a service take its configuration anew, on SIGHUP or POST /-/reload, and tells of it: in the
// log, and as alertjoin_config_last_reload_successful and
// alertjoin_config_last_reload_success_timestamp_seconds, for which the start counts as a success.
// Thread-safe; one reload at a time. Registry and clock must outlive it.
class ConfigReload {
 public:
  // Reads the configuration and takes all of it, or says why it takes nothing of it. UNAVAILABLE:
  // it was not looked at, which the metrics do not tell as a refusal.
  using Apply = std::function<absl::Status()>;

  ConfigReload(Apply apply, prometheus::Registry& registry, const Clock& clock);

  // The error of `apply`: everything is as it was before.
  absl::Status Reload() EXCLUDES_LOCK(mutex_);

 private:
  void Succeeded();

  const Apply apply_;
  const Clock& clock_;
  prometheus::Gauge& successful_;
  prometheus::Gauge& success_seconds_;
  Mutex mutex_;  // Held while it applies.
};

// The error for a key that cannot change while the service runs.
absl::Status NeedsRestart(const char* key);

}  // namespace alertjoin
