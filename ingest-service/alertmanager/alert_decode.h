#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "ingest-service/alertmanager/json_document.h"

namespace alertjoin {

constexpr size_t kGeneratorUrlBytesMax = 64 << 10;

// What a webhook's handler knows besides the body.
struct WebhookContext {
  std::string source;
  Timestamp received_time;
  std::string value_annotation;  // The annotation that carries the value; "" for none.
  std::string traceparent;       // As sent; kept when it has the W3C form.
};

// Something odd in a notification that was taken all the same.
struct WebhookWarning {
  enum class Kind {
    kUnknownVersion,      // Not "4", nor Grafana's "1".
    kTruncatedAlerts,     // The sender left alerts out.
    kResolvedWithoutEnd,  // The time of reception stands in.
    kEndBeforeStart,      // The start stands in for the end.
    kLongUrl,             // A generatorURL was left out.
    kLongNotification,    // What the alerts say of their group was left out.
  };
  Kind kind;
  std::string message;
};
// For metrics: lower_snake.
std::string_view NameOf(WebhookWarning::Kind kind);
inline constexpr size_t kWebhookWarningKinds = 6;

// The alerts of a body that can never be taken. Those beside them are taken all the same, as
// Alertmanager does with what is posted to it (api/v2/api.go, postAlertsHandler).
struct AlertFaults {
  size_t count = 0;
  absl::Status first;  // OK: there are none.

  void Add(absl::Status fault) {
    if (count++ == 0) first = std::move(fault);
  }
};

// Decodes one entry of `alerts` without its notification, origin and bindings; `where` is its path.
// Its own status decides. Of a firing alert endsAt is not looked at; of a resolved one year 1 means
// absent. Errors: INVALID_ARGUMENT, reason WRONG_SHAPE or OVER_LIMIT.
absl::StatusOr<TransitionEvent> DecodeAlert(const JsonValue& alert, std::string_view where,
                                            const WebhookContext& context,
                                            std::vector<WebhookWarning>& warnings);

// Decodes one alert of an array as Prometheus posts it to an Alertmanager, in the same way. It says
// nothing of its state: firing as long as endsAt lies ahead of its reception or is absent, else
// resolved then. (A `status` of "firing" or "resolved" decides all the same: what is kept of such
// alerts has one, because it may be read again much later.) Labels without a value are left out, as
// Alertmanager does, and the fingerprint is computed.
struct PostedAlert {
  TransitionEvent event;
  // False when there was no startsAt: the end stands in if there is one, else the time of
  // reception.
  bool has_start = true;
  size_t place = 0;  // In the array.
};
absl::StatusOr<PostedAlert> DecodePostedAlert(const nlohmann::json& alert, std::string_view where,
                                              const WebhookContext& context,
                                              std::vector<WebhookWarning>& warnings);

// The number that a text is as a whole ("93.1", "1e+06", "NaN", "+Inf"); nothing with a unit,
// spaces or anything else around it.
std::optional<double> ParseReportedValue(std::string_view text);

}  // namespace alertjoin
