#include "ingest-service/alertmanager/webhook_decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_limits.h"
#include "common/status/status.h"
#include "ingest-service/alertmanager/json_fields.h"

namespace alertjoin {
namespace {

constexpr char kPayloadHint[] =
    "expected a webhook notification, an object with \"alerts\", or an array of alerts. A "
    "`payload:` "
    "of the sender's own is not taken: leave it out of webhook_configs";
constexpr size_t kKeptTextBytesMax = 256;

// `state` and `orgId` are Grafana's additions to the group, `values` and `valueString` to an alert.
bool IsGrafana(const JsonValue& root, const JsonValue& alerts) {
  return root.contains("orgId") || root.contains("state") ||
         std::any_of(alerts.begin(), alerts.end(), [](const JsonValue& alert) {
           return alert.is_object() && (alert.contains("values") || alert.contains("valueString"));
         });
}

// A string by the format; a number by some forwarders.
absl::StatusOr<std::string> VersionField(const JsonValue& root) {
  const JsonValue* const field = FindField(root, "version");
  if (field && field->is_number()) return fmt::to_string(field->number());
  return TextField(root, "", "version");
}

absl::StatusOr<uint64_t> TruncatedField(const JsonValue& root) {
  const JsonValue* const field = FindField(root, "truncatedAlerts");
  if (!field) return 0;
  if (!field->is_number_unsigned()) {
    return WrongShape("truncatedAlerts", "expected a number from 0 on");
  }
  return field->unsigned_number();
}

absl::StatusOr<Notification> DecodeNotification(const JsonValue& root) {
  Notification notification;
  ASSIGN_OR_RETURN(notification.receiver, TextField(root, "", "receiver"));
  ASSIGN_OR_RETURN(notification.group_key, TextField(root, "", "groupKey"));
  ASSIGN_OR_RETURN(notification.group_status, TextField(root, "", "status"));
  ASSIGN_OR_RETURN(notification.group_labels,
                   LabelsField(root, "", "groupLabels", kLabelValueBytesMax));
  ASSIGN_OR_RETURN(notification.common_labels,
                   LabelsField(root, "", "commonLabels", kLabelValueBytesMax));
  ASSIGN_OR_RETURN(notification.common_annotations,
                   LabelsField(root, "", "commonAnnotations", kAnnotationValueBytesMax));
  ASSIGN_OR_RETURN(notification.route_labels,
                   LabelsField(root, "", "routeLabels", kLabelValueBytesMax));
  ASSIGN_OR_RETURN(notification.external_url, TextField(root, "", "externalURL"));
  ASSIGN_OR_RETURN(notification.version, VersionField(root));
  ASSIGN_OR_RETURN(notification.truncated_alerts, TruncatedField(root));
  ASSIGN_OR_RETURN(notification.notification_reason, TextField(root, "", "notification_reason"));
  return notification;
}

size_t ByteSize(const Notification& n) {
  return n.receiver.size() + n.group_key.size() + n.group_status.size() +
         n.group_labels.ByteSize() + n.common_labels.ByteSize() + n.common_annotations.ByteSize() +
         n.route_labels.ByteSize() + n.external_url.size() + n.version.size() +
         n.notification_reason.size();
}

// What is short in every notification that a real sender makes. Nothing of an alert is lost: its
// own labels and annotations contain the common ones.
Notification Shortened(const Notification& notification) {
  Notification kept;
  kept.truncated_alerts = notification.truncated_alerts;
  for (const auto field : {&Notification::receiver, &Notification::group_status,
                           &Notification::version, &Notification::notification_reason}) {
    if ((notification.*field).size() <= kKeptTextBytesMax) kept.*field = notification.*field;
  }
  return kept;
}

void WarnOf(const Notification& notification, bool grafana, std::vector<WebhookWarning>& warnings) {
  const std::string& version = notification.version;
  if (!version.empty() && version != (grafana ? "1" : "4")) {
    warnings.push_back(
        {WebhookWarning::Kind::kUnknownVersion,
         fmt::format("version \"{}\" is not known; read as far as it has the known shape",
                     Excerpt(version))});
  }
  if (notification.truncated_alerts > 0) {
    warnings.push_back(
        {WebhookWarning::Kind::kTruncatedAlerts,
         fmt::format("{} alerts were left out by the sender and resolved ones among them are lost; "
                     "set max_alerts: 0 in webhook_configs",
                     notification.truncated_alerts)});
  }
}

}  // namespace

absl::StatusOr<DecodedWebhook> DecodeWebhook(std::string_view body, const WebhookContext& context) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(body));
  return DecodeWebhook(document.root(), context);
}

absl::StatusOr<DecodedWebhook> DecodeWebhook(const JsonValue& root, const WebhookContext& context) {
  if (!root.is_object() || !root.contains("alerts")) {
    return WithReason(absl::InvalidArgumentError(kPayloadHint), "WRONG_SHAPE");
  }
  // A value without any, when it is null.
  const JsonValue& alerts = *root.Find("alerts");
  if (!alerts.is_array() && !alerts.is_null()) {
    return WrongShape("alerts", fmt::format("expected an array, got {}", alerts.type_name()));
  }
  if (alerts.size() > kWebhookAlertsMax) {
    return WithReason(
        absl::InvalidArgumentError(fmt::format("alerts: {} alerts, the limit is {}; group them "
                                               "finer (group_by)",
                                               alerts.size(), kWebhookAlertsMax)),
        "OVER_LIMIT");
  }

  const bool grafana = IsGrafana(root, alerts);
  DecodedWebhook decoded;
  ASSIGN_OR_RETURN(Notification notification, DecodeNotification(root));
  WarnOf(notification, grafana, decoded.warnings);
  decoded.truncated_alerts = notification.truncated_alerts;
  const size_t copy_bytes = ByteSize(notification);
  if (copy_bytes > kNotificationBytesMax ||
      copy_bytes * alerts.size() > kNotificationCopiesBytesMax) {
    decoded.warnings.push_back(
        {WebhookWarning::Kind::kLongNotification,
         fmt::format("{} bytes about the group of {} alerts left out", copy_bytes, alerts.size())});
    notification = Shortened(notification);
  }
  decoded.events.reserve(alerts.size());
  size_t place = 0;
  for (const JsonValue& alert : alerts) {
    auto event = DecodeAlert(alert, fmt::format("alerts[{}]", place++), context, decoded.warnings);
    if (!event.ok()) {
      decoded.faults.Add(event.status());
      continue;
    }
    event->origin = grafana ? Origin::kGrafanaWebhook : Origin::kAlertmanagerWebhook;
    event->notification = notification;
    decoded.events.push_back(*std::move(event));
  }
  return decoded;
}

}  // namespace alertjoin
