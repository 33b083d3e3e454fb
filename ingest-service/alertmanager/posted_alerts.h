#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest-service/alertmanager/alert_decode.h"

namespace alertjoin {

// What is posted to an Alertmanager, by Prometheus above all: an array of alerts, without a word
// about groups. A firing alert comes again each minute, with an endsAt that moves, and a resolved
// one for a quarter of an hour.
// Source: prometheus/prometheus notifier/notifier.go, prometheus/alertmanager api/v2/api.go.
struct PostedAlerts {
  std::vector<PostedAlert> alerts;  // Without bindings, of origin PROMETHEUS; in the body's order.
  AlertFaults faults;               // Of those that are not among them.
  std::vector<WebhookWarning> warnings;
};

// Decodes such an array. INVALID_ARGUMENT and faults as DecodeWebhook; the paths begin with "[3]".
// REQUIRES: an array.
absl::StatusOr<PostedAlerts> DecodePostedAlerts(const nlohmann::json& root,
                                                const WebhookContext& context);

// The body that makes the transitions numbered `chosen` again, whenever it is read: these alerts as
// they were sent, each with its state and its start. REQUIRES: what DecodePostedAlerts made of
// `root`, where starts may have been set since.
std::string BodyOf(const nlohmann::json& root, const PostedAlerts& posted,
                   std::span<const size_t> chosen);

}  // namespace alertjoin
