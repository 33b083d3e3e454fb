#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "ingest-service/alertmanager/alert_decode.h"

namespace alertjoin {

constexpr size_t kWebhookAlertsMax = 20'000;
// What the notification says of the group is carried by each of its alerts: this bounds one copy
// and all of them.
constexpr size_t kNotificationBytesMax = 2 << 20;
constexpr size_t kNotificationCopiesBytesMax = 64 << 20;

struct DecodedWebhook {
  std::vector<TransitionEvent> events;  // Without bindings; in the order of the body.
  AlertFaults faults;                   // Of the other alerts.
  std::vector<WebhookWarning> warnings;
  uint64_t truncated_alerts = 0;  // That the sender left out.
};

// Decodes the parsed body of an Alertmanager webhook (version 4), or Grafana's, which is told by
// its shape. Fields that are not known are ignored, those that are absent or null have defaults,
// except an alert's status and startsAt. Otherwise INVALID_ARGUMENT, for an alert's own fault among
// `faults`, with the path ("alerts[3].labels.job: ...") and a reason: NOT_JSON, WRONG_SHAPE or
// OVER_LIMIT. Source: prometheus/alertmanager template/template.go, notify/webhook/webhook.go.
absl::StatusOr<DecodedWebhook> DecodeWebhook(const JsonValue& root, const WebhookContext& context);
// The same for the body as it came: any bytes are safe to give.
absl::StatusOr<DecodedWebhook> DecodeWebhook(std::string_view body, const WebhookContext& context);

}  // namespace alertjoin
