#include "ingest-service/alertmanager/webhook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/event/event_limits.h"
#include "common/log/log_format.h"
#include "common/net/http_head.h"
#include "common/status/status.h"
#include "common/text/trace_parent.h"
#include "ingest-service/alertmanager/alertmanager_status.h"
#include "ingest-service/alertmanager/json_limits.h"

namespace alertjoin {
namespace {

constexpr Millis kSenderLogInterval = std::chrono::seconds(10);
constexpr char kRetryAfterSeconds[] = "5";
// A body beyond it waits for its turn: hundreds of alerts at once, which takes a processor long.
// The groups that people make of alerts are far below.
constexpr size_t kLargeBodyBytes = 256 << 10;

bool IsJson(const HttpRequest& request) {
  const std::string type = MediaTypeOf(request.Header("content-type"));
  return type.empty() || type == "application/json";
}

// Of the trace that the sender says it is part of; "" when it says none.
std::string RequestTraceId(const HttpRequest& request) {
  return std::string(TraceIdOf(request.Header("traceparent")));
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
    : intake_(intake),
      clock_(clock),
      started_(clock.Now()),
      dead_letters_(dead_letters),
      metrics_(registry),
      heartbeats_(clock, registry),
      refusal_limiter_(kSenderLogInterval, clock),
      warning_limiter_(kSenderLogInterval, clock),
      settings_(std::make_shared<const Settings>(std::move(options), clock)) {}

Webhook::Settings::Settings(WebhookOptions its_options, const Clock& clock)
    : options(std::move(its_options)) {
  CHECK(!options.sources.empty());
  for (const auto& [source, sender] : options.auth) auth.try_emplace(source, sender, clock);
}

void Webhook::Configure(WebhookOptions options) {
  auto settings = std::make_shared<const Settings>(std::move(options), clock_);
  MutexLock lock(mutex_);
  settings_.swap(settings);
}

std::shared_ptr<const Webhook::Settings> Webhook::Current() const {
  MutexLock lock(mutex_);
  return settings_;
}

void Webhook::AddTo(HttpServer& server) {
  // Grafana can be told to PUT.
  for (const char* method : {"POST", "PUT"}) {
    server.Handle(method, "/|/webhook/?|/api/v[12]/alerts", [this](const HttpRequest& request) {
      const auto settings = Current();
      return Handle(request, *settings, settings->options.sources.front());
    });
    server.Handle(method, "/(?:webhook|prometheus)/([^/]+)(?:/|/api/v[12]/alerts)?",
                  [this](const HttpRequest& request) {
                    const auto settings = Current();
                    return Handle(request, *settings, request.path_parts.front());
                  });
  }
  server.Handle("GET", "(?:/(?:webhook|prometheus)/[^/]+)?/api/v2/status",
                [this](const HttpRequest&) {
                  HttpResponse response;
                  response.body = AlertmanagerStatusJson(started_);
                  response.content_type = "application/json";
                  return response;
                });
}

HttpResponse Webhook::Handle(const HttpRequest& request, const Settings& settings,
                             const std::string& source) {
  metrics_.stage().Begin();
  const std::unique_ptr<StageMetrics, void (*)(StageMetrics*)> finish(
      &metrics_.stage(), [](StageMetrics* stage) { stage->Finish(); });
  std::optional<Refusal> refusal;
  try {
    refusal = Take(request, settings, source);
  } catch (...) {  // The server answers it.
    metrics_.CountAnswer(IsSource(settings, source) ? source : "", 500);
    metrics_.CountRefusal("internal");
    throw;
  }
  if (refusal.has_value()) return Refuse(request, source, *refusal);
  metrics_.CountAnswer(source, 200);
  return {};
}

bool Webhook::IsSource(const Settings& settings, const std::string& source) {
  const std::vector<std::string>& sources = settings.options.sources;
  return std::find(sources.begin(), sources.end(), source) != sources.end();
}

std::optional<Webhook::Refusal> Webhook::Take(const HttpRequest& request, const Settings& settings,
                                              const std::string& source) {
  if (!IsSource(settings, source)) {
    return Refusal{404, "unknown_source",
                   fmt::format("unknown alert source \"{}\": configured are {}", Excerpt(source),
                               fmt::join(settings.options.sources, ", "))};
  }
  if (auto refusal = CheckSender(request, settings, source)) return refusal;
  if (!IsJson(request)) {
    return Refusal{415, "content_type",
                   fmt::format("Content-Type \"{}\" is not taken: send application/json",
                               Excerpt(request.Header("content-type")))};
  }
  const WebhookContext context{source, clock_.Now(), settings.options.value_annotation,
                               request.Header("traceparent")};
  if (request.body.size() <= kLargeBodyBytes) return TakeBody(request, context, nullptr);
  const auto turn = large_turns_.Wait(source);
  if (turn == nullptr) {
    return Refusal{
        503, "too_many_large",
        fmt::format("too many requests of more than {} bytes wait for their turn, or the "
                    "service stops: try again later",
                    kLargeBodyBytes)};
  }
  return TakeBody(request, context, [&turn](const auto& work) { turn->DoGently(work); });
}

Webhook::Body Webhook::Decode(std::string_view text, const WebhookContext& context) {
  const absl::StatusOr<JsonDocument> document = JsonDocument::Parse(text);
  if (!document.ok()) return document.status();
  if (!document->root().is_array()) {
    auto webhook = DecodeWebhook(document->root(), context);
    if (!webhook.ok()) return webhook.status();
    return *std::move(webhook);
  }
  // Parts of this one are sent on.
  absl::StatusOr<nlohmann::json> root = ParseJson(text);
  if (!root.ok()) return root.status();
  auto posted = DecodePostedAlerts(*root, context);
  if (!posted.ok()) return posted.status();
  return std::pair(*std::move(root), *std::move(posted));
}

std::optional<Webhook::Refusal> Webhook::TakeBody(const HttpRequest& request,
                                                  const WebhookContext& context,
                                                  const TransitionIntake::Runner& gently) {
  Body body;
  const auto decode = [&] { body = Decode(request.body, context); };
  gently ? gently(decode) : decode();
  if (const auto* const status = std::get_if<absl::Status>(&body)) return NeverTaken(*status);
  if (auto* const webhook = std::get_if<DecodedWebhook>(&body)) {
    return TakeNotification(std::move(*webhook), context, request, gently);
  }
  auto& [root, posted] = std::get<std::pair<nlohmann::json, PostedAlerts>>(body);
  return TakePosted(root, posted, context, request, gently);
}

std::optional<Webhook::Refusal> Webhook::TakeNotification(DecodedWebhook webhook,
                                                          const WebhookContext& context,
                                                          const HttpRequest& request,
                                                          const TransitionIntake::Runner& gently) {
  metrics_.CountTruncated(webhook.truncated_alerts, context.source);
  WarnOf(webhook.warnings, context, request);
  const auto refusal = NeverTaken(webhook.faults, webhook.events.size());
  if (webhook.events.empty()) return refusal;
  const WebhookMetrics::States states = WebhookMetrics::StatesOf(webhook.events);
  const bool is_heartbeat = heartbeats_.IsAmong(context.source, webhook.events);
  const absl::Status taken =
      intake_.Take(std::move(webhook.events), PayloadOf(context, request.body), gently);
  if (!taken.ok()) return NotKept(taken);
  if (is_heartbeat) heartbeats_.Beat(context.source);
  metrics_.CountAlerts(states, context.source);
  LogTaken(context, request, states.firing + states.resolved);
  return refusal;
}

std::optional<Webhook::Refusal> Webhook::TakePosted(const nlohmann::json& root,
                                                    PostedAlerts& posted,
                                                    const WebhookContext& context,
                                                    const HttpRequest& request,
                                                    const TransitionIntake::Runner& gently) {
  WarnOf(posted.warnings, context, request);
  std::vector<TransitionEvent> events;
  for (auto& [event, has_start, place] : posted.alerts) {
    // Without this, each repetition of an alert that has no start would be an episode of its own.
    if (!has_start) event.starts_at = intake_.StartOf(event).value_or(event.starts_at);
    events.push_back(event);
  }
  const bool is_heartbeat = heartbeats_.IsAmong(context.source, events);
  const auto payload_of = [&](std::span<const size_t> chosen) {
    return PayloadOf(context, BodyOf(root, posted, chosen));
  };
  const auto taken = intake_.TakeNews(std::move(events), payload_of, gently);
  if (!taken.ok()) return NotKept(taken.status());
  if (is_heartbeat) heartbeats_.Beat(context.source);
  WebhookMetrics::States states;
  for (const size_t i : *taken) states.Add(posted.alerts[i].event.state);
  metrics_.CountAlerts(states, context.source);
  metrics_.CountRepeated(posted.alerts.size() - taken->size(), context.source);
  LogTaken(context, request, posted.alerts.size());
  return NeverTaken(posted.faults, posted.alerts.size());
}

void Webhook::LogTaken(const WebhookContext& context, const HttpRequest& request, size_t alerts) {
  if (!IsLogged(LogLevel::kDebug)) return;
  LogDebug("notification taken", {{"source", context.source},
                                  {"remote", request.remote_address},
                                  {"alerts", fmt::to_string(alerts)},
                                  {"trace_id", std::string(TraceIdOf(context.traceparent))}});
}

void Webhook::WarnOf(const std::vector<WebhookWarning>& warnings, const WebhookContext& context,
                     const HttpRequest& request) {
  metrics_.CountWarnings(warnings, context.source);
  if (warnings.empty() || !warning_limiter_.Allow()) return;
  LogWarn("odd notification taken", {{"source", context.source},
                                     {"remote", request.remote_address},
                                     {"warnings", fmt::to_string(warnings.size())},
                                     {"first", warnings.front().message},
                                     {"trace_id", std::string(TraceIdOf(context.traceparent))}});
}

std::optional<RawPayload> Webhook::PayloadOf(const WebhookContext& context, std::string body) {
  if (body.size() <= kRawPayloadBytesMax) {
    return RawPayload{context.source, context.received_time, std::move(body)};
  }
  metrics_.CountPayloadNotKept(context.source);
  return std::nullopt;
}

Webhook::Refusal Webhook::NeverTaken(const absl::Status& why) {
  return Refusal{400, ReasonOf(why, "bad_body"), MessageOf(why)};
}

std::optional<Webhook::Refusal> Webhook::NeverTaken(const AlertFaults& faults, size_t taken) {
  if (faults.count == 0) return std::nullopt;
  Refusal refusal = NeverTaken(faults.first);
  if (faults.count + taken > 1) {
    refusal.message += fmt::format("; {} of {} alerts can never be taken{}", faults.count,
                                   faults.count + taken, taken > 0 ? ", the others were" : "");
  }
  return refusal;
}

Webhook::Refusal Webhook::NotKept(const absl::Status& why) {
  // What the spool can never take must not be repeated; all else is a fault of ours.
  const int code = absl::IsInvalidArgument(why) ? 400 : 503;
  return Refusal{code, ReasonOf(why, "append_failed"), MessageOf(why)};
}

std::optional<Webhook::Refusal> Webhook::CheckSender(const HttpRequest& request,
                                                     const Settings& settings,
                                                     const std::string& source) {
  const auto auth = settings.auth.find(source);
  if (auth == settings.auth.end()) return std::nullopt;
  auto denial = auth->second.Check(request);
  if (!denial.has_value()) return std::nullopt;
  metrics_.CountDenial(source, denial->reason);
  return Refusal{denial->code, denial->reason, denial->message, denial->challenge};
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
                                     {"reason", refusal.message},
                                     {"trace_id", RequestTraceId(request)}});
  }
  if (refusal.code == 400) KeepDeadLetter(request, source, refusal);
  HttpResponse response;
  response.status = refusal.code;
  response.body = refusal.message + "\n";
  if (!refusal.challenge.empty()) {
    response.headers.emplace_back("WWW-Authenticate", refusal.challenge);
  }
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
  letter.content_type = request.Header("content-type");
  letter.reason = refusal.reason;
  letter.message = refusal.message;
  letter.body = request.body;
  dead_letters_->Keep(letter);
}

}  // namespace alertjoin
