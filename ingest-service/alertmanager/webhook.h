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
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/intake/transition_intake.h"

namespace alertjoin {

struct WebhookOptions {
  std::vector<std::string> sources;  // At least one; the first is the default.
  std::string value_annotation = "value";
};

// Takes webhook notifications of Alertmanager and Grafana: POST or PUT on /webhook/<source>, and on
// /webhook, / and /api/v1/alerts for the default source. Answers, each refusal with a line of text:
//   200  all its alerts are in the spool, as durable as that is (empty body)
//   400  can never be taken; the text says where and why. The body goes to the dead letters
//   404  unknown source
//   415  Content-Type other than application/json (absent is fine)
//   503  not kept: the spool is full, or its disk fails. The sender must repeat it, which is
//        harmless
// Thread-safe. It keeps the references it is given: they must outlive the server it is added to.
class Webhook {
 public:
  // Without `dead_letters` bodies that can never be taken are not kept.
  Webhook(WebhookOptions options, TransitionIntake& intake, const Clock& clock,
          prometheus::Registry& registry, DeadLetters* dead_letters = nullptr);

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
  // Hands the alerts to the intake, and what they were made of.
  std::optional<Refusal> Keep(DecodedWebhook webhook, RawPayload payload);
  HttpResponse Refuse(const HttpRequest& request, const std::string& source,
                      const Refusal& refusal);
  void KeepDeadLetter(const HttpRequest& request, const std::string& source,
                      const Refusal& refusal);

  // Constant after construction.
  const WebhookOptions options_;
  TransitionIntake& intake_;
  const Clock& clock_;
  DeadLetters* const dead_letters_;

  WebhookMetrics metrics_;
  LogLimiter refusal_limiter_;
  LogLimiter warning_limiter_;
};

}  // namespace alertjoin
