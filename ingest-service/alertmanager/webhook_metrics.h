#pragma once

#include <string>
#include <string_view>

#include "ingest-service/alertmanager/webhook_decode.h"

namespace prometheus {
class Counter;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace alertjoin {

// The counters of the webhook. Thread-safe. The registry must outlive it. Sources are the
// configured ones and "" for others, so the labels are bounded.
class WebhookMetrics {
 public:
  explicit WebhookMetrics(prometheus::Registry& registry);

  void CountAnswer(const std::string& source, int code);
  void CountRefusal(std::string_view reason);
  // Alerts that were stored.
  void CountAlerts(const DecodedWebhook& webhook, const std::string& source);
  // The alerts were stored, the body was too large to be kept along with them.
  void CountPayloadNotKept(const std::string& source);
  void CountWarnings(const DecodedWebhook& webhook, const std::string& source);

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& alerts_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& warnings_;
  prometheus::Family<prometheus::Counter>& truncated_;
};

}  // namespace alertjoin
