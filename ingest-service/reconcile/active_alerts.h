#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Alerts that are taken from one answer.
constexpr size_t kActiveAlertsMax = 20'000;

// An alert that is pending or firing, as a Prometheus says of itself.
struct ActiveAlert {
  LabelSet labels;  // As the rule makes them: neither external labels nor relabelling.
  LabelSet annotations;
  bool firing = false;
  Timestamp active_at;  // Floored to milliseconds.
  Timestamp seen;       // When this was last said: it was active from `active_at` to then.
};

struct ActiveAlertsAnswer {
  std::vector<ActiveAlert> alerts;
  size_t left_out = 0;  // Beyond the limits of one event, or of one answer.
};

// Decodes the data of /api/v1/alerts. UNAVAILABLE when it is not of that shape.
absl::StatusOr<ActiveAlertsAnswer> DecodeActiveAlerts(const nlohmann::json& data);

// What was last said of each alert that is or was lately active. Not thread-safe.
class ActiveAlerts {
 public:
  // How long what is gone is remembered: the end of an alert is made known after it has gone.
  static constexpr Millis kRemembered = std::chrono::hours(1);

  void Take(ActiveAlertsAnswer answer, Timestamp now);
  // Null when nothing is known of it. Lives until the next Take.
  const ActiveAlert* Find(const LabelSet& labels) const;
  // Of the last answer.
  size_t pending() const { return pending_; }
  size_t firing() const { return firing_; }

 private:
  std::map<LabelSet, ActiveAlert> known_;
  size_t pending_ = 0;
  size_t firing_ = 0;
};

}  // namespace alertjoin
