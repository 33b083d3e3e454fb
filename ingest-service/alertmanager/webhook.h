#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "common/net/http_server.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/alertmanager/heartbeats.h"
#include "ingest-service/alertmanager/large_turns.h"
#include "ingest-service/alertmanager/posted_alerts.h"
#include "ingest-service/alertmanager/sender_auth.h"
#include "ingest-service/alertmanager/webhook_decode.h"
#include "ingest-service/alertmanager/webhook_metrics.h"
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/intake/transition_intake.h"

namespace alertjoin {

struct WebhookOptions {
  std::vector<std::string> sources;  // At least one; the first is the default.
  std::string value_annotation = "value";
  // By the source's name. Without an entry everyone may send.
  std::map<std::string, SenderAuthOptions> auth = {};
};

// Takes alerts over HTTP, by POST or PUT. Which kind they are is told by the shape of the body, on
// every path: an object is a webhook notification of Alertmanager or Grafana, an array is what
// Prometheus sends to Alertmanagers. The paths of a source are /webhook/<source>, and for senders
// that append a path of their own /webhook/<source>/api/v2/alerts and .../api/v1/alerts, where
// /prometheus/<source> may stand for /webhook/<source>; those of the default source are also
// /webhook, /, /api/v2/alerts and /api/v1/alerts. Beside each /api/v2/alerts, GET /api/v2/status
// answers as an Alertmanager does. Answers, each refusal with a line of text:
//   200  all its alerts are in the spool, as durable as that is, now or since before (empty body)
//   400  can never be taken; the text says where and why. The body goes to the dead letters. Where
//        that is the fault of some of its alerts, the others are in the spool all the same
//   401  no or wrong credentials, where the source wants them (with WWW-Authenticate)
//   403  no, a wrong or an old signature, where the source wants one
//   404  unknown source
//   415  Content-Type other than application/json (absent is fine)
//   503  not kept: the spool is full, its disk fails, or too many large bodies wait for their turn
//        (LargeTurns). The sender must repeat it, which is harmless
// Thread-safe. It keeps the references it is given: they must outlive the server it is added to.
class Webhook {
 public:
  // Without `dead_letters` bodies that can never be taken are not kept.
  Webhook(WebhookOptions options, TransitionIntake& intake, const Clock& clock,
          prometheus::Registry& registry, DeadLetters* dead_letters = nullptr);

  // Adds the paths. REQUIRES: the server has not started; this outlives it.
  void AddTo(HttpServer& server);

  // Which alerts are the heartbeats of which sources. None at first.
  void WatchHeartbeats(Heartbeats::Options options) { heartbeats_.Watch(std::move(options)); }
  // Refuses, 503, the large ones that wait for their turn, and all that come. For a stop, which
  // would wait for each of them.
  void RefuseLarge() { large_turns_.Close(); }
  // For all requests from now on.
  void Configure(WebhookOptions options) EXCLUDES_LOCK(mutex_);

 private:
  // What one request is handled by, from its begin to its end.
  struct Settings {
    Settings(WebhookOptions its_options, const Clock& clock);

    const WebhookOptions options;
    std::map<std::string, SenderAuth> auth;
  };
  // How a notification ends when it is not kept.
  struct Refusal {
    int code;
    std::string reason;  // lower_snake, for metrics.
    std::string message;
    std::string challenge = {};  // For WWW-Authenticate.
  };

  // What a body says, or why it can never be taken.
  using Body = std::variant<absl::Status, DecodedWebhook, std::pair<nlohmann::json, PostedAlerts>>;

  std::shared_ptr<const Settings> Current() const EXCLUDES_LOCK(mutex_);
  HttpResponse Handle(const HttpRequest& request, const Settings& settings,
                      const std::string& source);
  static bool IsSource(const Settings& settings, const std::string& source);
  std::optional<Refusal> Take(const HttpRequest& request, const Settings& settings,
                              const std::string& source);
  static Body Decode(std::string_view text, const WebhookContext& context);
  // Decodes the body and hands its alerts to the intake, and what they were made of.
  std::optional<Refusal> TakeBody(const HttpRequest& request, const WebhookContext& context,
                                  const TransitionIntake::Runner& gently);
  std::optional<Refusal> TakeNotification(DecodedWebhook webhook, const WebhookContext& context,
                                          const HttpRequest& request,
                                          const TransitionIntake::Runner& gently);
  // It sets the starts of those that have none.
  std::optional<Refusal> TakePosted(const nlohmann::json& root, PostedAlerts& posted,
                                    const WebhookContext& context, const HttpRequest& request,
                                    const TransitionIntake::Runner& gently);
  void WarnOf(const std::vector<WebhookWarning>& warnings, const WebhookContext& context,
              const HttpRequest& request);
  // The payload if it is small enough to be kept.
  std::optional<RawPayload> PayloadOf(const WebhookContext& context, std::string body);
  static Refusal NeverTaken(const absl::Status& why);
  // Nothing if there are no faults. `taken`: alerts beside them.
  static std::optional<Refusal> NeverTaken(const AlertFaults& faults, size_t taken);
  static Refusal NotKept(const absl::Status& why);
  std::optional<Refusal> CheckSender(const HttpRequest& request, const Settings& settings,
                                     const std::string& source);
  // A record for each that is taken, for those who look for one.
  static void LogTaken(const WebhookContext& context, const HttpRequest& request, size_t alerts);
  HttpResponse Refuse(const HttpRequest& request, const std::string& source,
                      const Refusal& refusal);
  void KeepDeadLetter(const HttpRequest& request, const std::string& source,
                      const Refusal& refusal);

  // Constant after construction.
  TransitionIntake& intake_;
  LargeTurns large_turns_;  // Thread-safe.
  const Clock& clock_;
  const Timestamp started_;
  DeadLetters* const dead_letters_;

  WebhookMetrics metrics_;
  Heartbeats heartbeats_;
  LogLimiter refusal_limiter_;
  LogLimiter warning_limiter_;

  mutable Mutex mutex_;
  std::shared_ptr<const Settings> settings_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
