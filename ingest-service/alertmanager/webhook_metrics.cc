#include "ingest-service/alertmanager/webhook_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <map>

#include "common/metrics/metric_families.h"

namespace alertjoin {
WebhookMetrics::WebhookMetrics(prometheus::Registry& registry)
    : requests_(CounterFamily(registry, "alertjoin_webhook_requests_total",
                              "Webhook notifications answered, by alert source and HTTP status.")),
      alerts_(CounterFamily(registry, "alertjoin_webhook_alerts_total",
                            "Alerts stored, those that webhook notifications repeat included.")),
      repeated_(CounterFamily(registry, "alertjoin_webhook_repeated_alerts_total",
                              "Alerts that Prometheus sent once more and that said nothing new.")),
      refused_(CounterFamily(registry, "alertjoin_webhook_refused_total",
                             "Webhook notifications not answered with success, by reason.")),
      denied_(CounterFamily(
          registry, "alertjoin_webhook_denied_total",
          "Requests without the credentials or signature that the alert source wants.")),
      warnings_(CounterFamily(registry, "alertjoin_webhook_warnings_total",
                              "Oddities in notifications that were taken all the same.")),
      truncated_(CounterFamily(registry, "alertjoin_webhook_truncated_alerts_total",
                               "Alerts that senders left out of notifications (max_alerts).")),
      stage_(registry, "webhook") {}

void WebhookMetrics::CountAnswer(const std::string& source, int code) {
  requests_.Add({{"source", source}, {"code", std::to_string(code)}}).Increment();
}

void WebhookMetrics::CountRefusal(std::string_view reason) {
  refused_.Add({{"reason", std::string(reason)}}).Increment();
}

WebhookMetrics::States WebhookMetrics::StatesOf(const std::vector<TransitionEvent>& events) {
  States states;
  for (const TransitionEvent& event : events) states.Add(event.state);
  return states;
}

void WebhookMetrics::CountAlerts(const States& states, const std::string& source) {
  alerts_.Add({{"source", source}, {"state", "firing"}})
      .Increment(static_cast<double>(states.firing));
  alerts_.Add({{"source", source}, {"state", "resolved"}})
      .Increment(static_cast<double>(states.resolved));
}

void WebhookMetrics::CountDenial(const std::string& source, const std::string& reason) {
  denied_.Add({{"source", source}, {"reason", reason}}).Increment();
}

void WebhookMetrics::CountPayloadNotKept(const std::string& source) {
  warnings_.Add({{"source", source}, {"kind", "payload_not_kept"}}).Increment();
}

void WebhookMetrics::CountRepeated(size_t alerts, const std::string& source) {
  if (alerts > 0) repeated_.Add({{"source", source}}).Increment(static_cast<double>(alerts));
}

void WebhookMetrics::CountWarnings(const std::vector<WebhookWarning>& warnings,
                                   const std::string& source) {
  std::map<std::string_view, double> counts;  // Others wait for the family's lock.
  for (const WebhookWarning& warning : warnings) ++counts[NameOf(warning.kind)];
  for (const auto& [kind, count] : counts) {
    warnings_.Add({{"source", source}, {"kind", std::string(kind)}}).Increment(count);
  }
}

void WebhookMetrics::CountTruncated(uint64_t alerts, const std::string& source) {
  if (alerts > 0) truncated_.Add({{"source", source}}).Increment(static_cast<double>(alerts));
}

}  // namespace alertjoin
