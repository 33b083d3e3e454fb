#include "common/service/config_reload.h"

#include <fmt/format.h>
#include <prometheus/gauge.h>

#include <utility>

#include "common/log/log.h"
#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
ConfigReload::ConfigReload(Apply apply, prometheus::Registry& registry, const Clock& clock)
    : apply_(std::move(apply)),
      clock_(clock),
      successful_(OneGauge(registry, "alertjoin_config_last_reload_successful",
                           "1 when the last reading of the configuration was taken, 0 when it was "
                           "refused and the one before holds.")),
      success_seconds_(OneGauge(registry, "alertjoin_config_last_reload_success_timestamp_seconds",
                                "When a configuration was last taken, the start included.")) {
  Succeeded();
}

void ConfigReload::Succeeded() {
  successful_.Set(1);
  success_seconds_.Set(static_cast<double>(clock_.Now().millis()) / 1000);
}

absl::Status ConfigReload::Reload() {
  MutexLock lock(mutex_);
  const absl::Status status = apply_();
  if (status.ok()) {
    Succeeded();
    LogInfo("configuration taken anew");
  } else if (absl::IsUnavailable(status)) {
    LogWarn("the configuration is not read now", {{"reason", MessageOf(status)}});
  } else {
    successful_.Set(0);
    LogError("the new configuration is refused: the one before holds",
             {{"error", MessageOf(status)}});
  }
  return status;
}

absl::Status NeedsRestart(const char* key) {
  return absl::FailedPreconditionError(
      fmt::format("{} cannot change while the service runs: restart it, or set it back", key));
}

}  // namespace alertjoin
