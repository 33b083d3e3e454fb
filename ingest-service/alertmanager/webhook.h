#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "ingest-service/alertmanager/webhook_decode.h"
#include "ingest-service/alertmanager/webhook_metrics.h"
#include "ingest-service/binding/binder.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

struct WebhookOptions {
  std::vector<std::string> sources;  // At least one; the first is the default.
  // How long a notification may wait for the correlator's word that it keeps the alerts.
  Millis ack_timeout = std::chrono::seconds(5);
  std::string value_annotation = "value";
};

// Takes webhook notifications of Alertmanager and Grafana: POST or PUT on /webhook/<source>, and on
// /webhook, / and /api/v1/alerts for the default source. Answers, each refusal with a line of text:
//   200  all its alerts are kept by the correlator (empty body)
//   400  can never be taken; the text says where and why
//   404  unknown source
//   415  Content-Type other than application/json (absent is fine)
//   503  not kept in time: the spool is full, the correlator does not acknowledge, or the service
//        stops. The sender must repeat it, which is harmless
// Thread-safe. It keeps the references it is given: they must outlive the server it is added to.
// Close the spool before the server is stopped, which ends the waiting.
class Webhook {
 public:
  Webhook(WebhookOptions options, const Binder& binder, Spool& spool, TransitionListener& listener,
          const Clock& clock, prometheus::Registry& registry);

  // Adds the paths. REQUIRES: the server has not started; this outlives it.
  void AddTo(HttpServer& server);

 private:
  // How a notification ends when it is not kept.
  struct Refusal {
    int code;
    std::string reason;  // lower_snake, for metrics.
    std::string message;
  };

  HttpResponse Handle(const HttpRequest& request, const std::string& source);
  std::optional<Refusal> Take(const HttpRequest& request, const std::string& source);
  // Appends the events and waits until they are kept.
  std::optional<Refusal> Keep(DecodedWebhook webhook, const std::string& source);
  HttpResponse Refuse(const HttpRequest& request, const std::string& source,
                      const Refusal& refusal);

  // Constant after construction.
  const WebhookOptions options_;
  const Binder& binder_;
  Spool& spool_;
  TransitionListener& listener_;
  const Clock& clock_;

  WebhookMetrics metrics_;
  LogLimiter refusal_limiter_;
  LogLimiter warning_limiter_;
};

}  // namespace alertjoin
