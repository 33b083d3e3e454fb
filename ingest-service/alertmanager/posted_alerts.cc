#include "ingest-service/alertmanager/posted_alerts.h"

#include <fmt/format.h>

#include <utility>

#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "ingest-service/alertmanager/webhook_decode.h"

namespace alertjoin {

absl::StatusOr<PostedAlerts> DecodePostedAlerts(const nlohmann::json& root,
                                                const WebhookContext& context) {
  if (root.size() > kWebhookAlertsMax) {
    return WithReason(absl::InvalidArgumentError(fmt::format("{} alerts, the limit is {}",
                                                             root.size(), kWebhookAlertsMax)),
                      "OVER_LIMIT");
  }
  PostedAlerts posted;
  posted.alerts.reserve(root.size());
  for (size_t i = 0; i < root.size(); ++i) {
    auto alert = DecodePostedAlert(root[i], fmt::format("[{}]", i), context, posted.warnings);
    if (!alert.ok()) {
      posted.faults.Add(alert.status());
      continue;
    }
    alert->event.origin = Origin::kPrometheus;
    alert->place = i;
    posted.alerts.push_back(*std::move(alert));
  }
  return posted;
}

std::string BodyOf(const nlohmann::json& root, const PostedAlerts& posted,
                   std::span<const size_t> chosen) {
  nlohmann::json body = nlohmann::json::array();
  for (const size_t i : chosen) {
    const PostedAlert& alert = posted.alerts.at(i);
    nlohmann::json& kept = body.emplace_back(root.at(alert.place));
    kept["status"] = alert.event.state == AlertState::kFiring ? "firing" : "resolved";
    if (!alert.has_start) kept["startsAt"] = FormatRfc3339(alert.event.starts_at);
    if (alert.event.ends_at.has_value()) kept["endsAt"] = FormatRfc3339(*alert.event.ends_at);
  }
  return body.dump();
}

}  // namespace alertjoin
