#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/stage_metrics.h"
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
  // A sender that did not show who it is.
  void CountDenial(const std::string& source, const std::string& reason);
  // How many alerts there are of each state.
  struct States {
    size_t firing = 0;
    size_t resolved = 0;

    void Add(AlertState state) { ++(state == AlertState::kFiring ? firing : resolved); }
  };
  static States StatesOf(const std::vector<TransitionEvent>& events);
  // Alerts that were stored.
  void CountAlerts(const States& states, const std::string& source);
  // Alerts that said nothing new.
  void CountRepeated(size_t alerts, const std::string& source);
  // The alerts were stored, the body was too large to be kept along with them.
  void CountPayloadNotKept(const std::string& source);
  void CountWarnings(const std::vector<WebhookWarning>& warnings, const std::string& source);
  // Alerts that the sender left out.
  void CountTruncated(uint64_t alerts, const std::string& source);
  // Requests: those that have begun and those that are answered.
  StageMetrics& stage() { return stage_; }

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& alerts_;
  prometheus::Family<prometheus::Counter>& repeated_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& denied_;
  prometheus::Family<prometheus::Counter>& warnings_;
  prometheus::Family<prometheus::Counter>& truncated_;
  StageMetrics stage_;
};

}  // namespace alertjoin
