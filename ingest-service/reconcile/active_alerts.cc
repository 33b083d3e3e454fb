#include "ingest-service/reconcile/active_alerts.h"

#include <fmt/format.h>

#include <utility>

#include "common/event/event_limits.h"
#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "ingest-service/alertmanager/json_fields.h"

namespace alertjoin {
namespace {

absl::StatusOr<ActiveAlert> Decode(const nlohmann::json& entry, std::string_view where) {
  if (!entry.is_object()) return WrongShape(where, "expected an object");
  ActiveAlert alert;
  ASSIGN_OR_RETURN(alert.labels, LabelsField(entry, where, "labels", kLabelValueBytesMax));
  ASSIGN_OR_RETURN(alert.annotations,
                   LabelsField(entry, where, "annotations", kAnnotationValueBytesMax));
  ASSIGN_OR_RETURN(const std::string state, TextField(entry, where, "state"));
  alert.firing = state == "firing";
  ASSIGN_OR_RETURN(const std::string active_at, TextField(entry, where, "activeAt"));
  const auto time = ParseRfc3339(active_at);
  if (!time.ok()) return WrongShape(PathOf(where, "activeAt"), MessageOf(time.status()));
  alert.active_at = *time;
  return alert;
}

}  // namespace

absl::StatusOr<ActiveAlertsAnswer> DecodeActiveAlerts(const nlohmann::json& data) {
  const nlohmann::json* const list = data.is_object() ? FindField(data, "alerts") : nullptr;
  if (list == nullptr || !list->is_array()) {
    return absl::UnavailableError("/api/v1/alerts: the answer has no list of alerts");
  }
  ActiveAlertsAnswer answer;
  for (size_t i = 0; i < list->size(); ++i) {
    auto alert = Decode((*list)[i], fmt::format("alerts[{}]", i));
    if (alert.ok() && answer.alerts.size() < kActiveAlertsMax) {
      answer.alerts.push_back(*std::move(alert));
    } else if (const auto detail = DetailOf(alert.status());
               alert.ok() || (detail && detail->reason == "OVER_LIMIT")) {
      ++answer.left_out;
    } else {
      return absl::UnavailableError("/api/v1/alerts: " + MessageOf(alert.status()));
    }
  }
  return answer;
}

void ActiveAlerts::Take(ActiveAlertsAnswer answer, Timestamp now) {
  pending_ = 0;
  firing_ = 0;
  for (ActiveAlert& alert : answer.alerts) {
    ++(alert.firing ? firing_ : pending_);
    alert.seen = now;
    LabelSet labels = alert.labels;
    known_.insert_or_assign(std::move(labels), std::move(alert));
  }
  std::erase_if(known_, [&](const auto& entry) {
    return entry.second.seen + kRemembered < now || entry.second.seen > now;
  });
  // Alerts that come under ever new labels go before their time.
  if (known_.size() > 2 * kActiveAlertsMax) {
    std::erase_if(known_, [&](const auto& entry) { return entry.second.seen < now; });
  }
}

const ActiveAlert* ActiveAlerts::Find(const LabelSet& labels) const {
  const auto found = known_.find(labels);
  return found == known_.end() ? nullptr : &found->second;
}

}  // namespace alertjoin
