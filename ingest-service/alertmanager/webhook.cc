#include "ingest-service/alertmanager/webhook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/event/event_limits.h"
#include "common/net/http_head.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kLogInterval = std::chrono::seconds(10);
constexpr char kRetryAfterSeconds[] = "5";
constexpr size_t kShownBytesMax = 128;

std::string HeaderOf(const HttpRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

bool IsJson(const HttpRequest& request) {
  const std::string type = MediaTypeOf(HeaderOf(request, "content-type"));
  return type.empty() || type == "application/json";
}

// The reason of a status for metrics: it is one of a few constants of ours.
std::string ReasonOf(const absl::Status& status, const char* otherwise) {
  const auto detail = DetailOf(status);
  if (!detail.has_value()) return otherwise;
  std::string reason = detail->reason;
  for (char& c : reason) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return reason;
}

}  // namespace

Webhook::Webhook(WebhookOptions options, TransitionIntake& intake, const Clock& clock,
                 prometheus::Registry& registry, DeadLetters* dead_letters)
    : options_(std::move(options)),
      intake_(intake),
      clock_(clock),
      dead_letters_(dead_letters),
      metrics_(registry),
      refusal_limiter_(kLogInterval, clock),
      warning_limiter_(kLogInterval, clock) {
  CHECK(!options_.sources.empty());
}

void Webhook::AddTo(HttpServer& server) {
  // Grafana can be told to PUT.
  for (const char* method : {"POST", "PUT"}) {
    server.Handle(method, "/|/webhook/?|/api/v1/alerts", [this](const HttpRequest& request) {
      return Handle(request, options_.sources.front());
    });
    server.Handle(method, "/webhook/([^/]+)/?", [this](const HttpRequest& request) {
      return Handle(request, request.path_parts.front());
    });
  }
}

HttpResponse Webhook::Handle(const HttpRequest& request, const std::string& source) {
  if (const auto refusal = Take(request, source)) return Refuse(request, source, *refusal);
  metrics_.CountAnswer(source, 200);
  return HttpResponse();
}

std::optional<Webhook::Refusal> Webhook::Take(const HttpRequest& request,
                                              const std::string& source) {
  if (std::find(options_.sources.begin(), options_.sources.end(), source) ==
      options_.sources.end()) {
    return Refusal{404, "unknown_source",
                   fmt::format("unknown alert source \"{}\": configured are {}",
                               Excerpt(source, kShownBytesMax), fmt::join(options_.sources, ", "))};
  }
  if (!IsJson(request)) {
    return Refusal{415, "content_type",
                   fmt::format("Content-Type \"{}\" is not taken: send application/json",
                               Excerpt(HeaderOf(request, "content-type"), kShownBytesMax))};
  }
  const Timestamp now = clock_.Now();
  auto webhook = DecodeWebhook(request.body, WebhookContext{source, now, options_.value_annotation,
                                                            HeaderOf(request, "traceparent")});
  if (!webhook.ok()) {
    return Refusal{400, ReasonOf(webhook.status(), "bad_body"), MessageOf(webhook.status())};
  }
  metrics_.CountWarnings(*webhook, source);
  if (!webhook->warnings.empty() && warning_limiter_.Allow()) {
    LogWarn("odd notification taken", {{"source", source},
                                       {"remote", request.remote_address},
                                       {"warnings", fmt::to_string(webhook->warnings.size())},
                                       {"first", webhook->warnings.front().message}});
  }
  if (webhook->events.empty()) return std::nullopt;
  return Keep(*std::move(webhook), RawPayload{source, now, request.body});
}

std::optional<Webhook::Refusal> Webhook::Keep(DecodedWebhook webhook, RawPayload payload) {
  const std::string source = payload.source;
  std::optional<RawPayload> kept_payload;
  if (payload.body.size() <= kRawPayloadBytesMax) kept_payload = std::move(payload);
  const bool payload_kept = kept_payload.has_value();
  const WebhookMetrics::States states = WebhookMetrics::StatesOf(webhook.events);
  const absl::Status taken = intake_.Take(std::move(webhook.events), std::move(kept_payload));
  if (!taken.ok()) {
    // What the spool can never take must not be repeated; all else is a fault of ours.
    const bool never = absl::IsInvalidArgument(taken);
    return Refusal{never ? 400 : 503, ReasonOf(taken, "append_failed"), MessageOf(taken)};
  }
  if (!payload_kept) metrics_.CountPayloadNotKept(source);
  metrics_.CountAlerts(states, source);
  return std::nullopt;
}

HttpResponse Webhook::Refuse(const HttpRequest& request, const std::string& source,
                             const Refusal& refusal) {
  // A name that is not configured is the sender's text, and would be an unbounded label.
  metrics_.CountAnswer(refusal.reason == "unknown_source" ? "" : source, refusal.code);
  metrics_.CountRefusal(refusal.reason);
  if (refusal_limiter_.Allow()) {
    LogWarn("notification refused", {{"path", request.path},
                                     {"remote", request.remote_address},
                                     {"code", fmt::to_string(refusal.code)},
                                     {"reason", refusal.message}});
  }
  if (refusal.code == 400) KeepDeadLetter(request, source, refusal);
  HttpResponse response;
  response.status = refusal.code;
  response.body = refusal.message + "\n";
  if (refusal.code == 503) response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

void Webhook::KeepDeadLetter(const HttpRequest& request, const std::string& source,
                             const Refusal& refusal) {
  if (dead_letters_ == nullptr) return;
  DeadLetter letter;
  letter.time = clock_.Now();
  letter.source = source;
  letter.path = request.path;
  letter.remote_address = request.remote_address;
  letter.content_type = HeaderOf(request, "content-type");
  letter.reason = refusal.reason;
  letter.message = refusal.message;
  letter.body = request.body;
  dead_letters_->Keep(letter);
}

}  // namespace alertjoin
