#include "tests/integration/webhook/webhook_fixture.h"

#include <fmt/format.h>

#include "common/net/admin_endpoints.h"
#include "ingest-service/deadletter/dead_letter_list.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

std::vector<Binding> NameBinder::Bind(const TransitionEvent& event) const {
  Binding binding;
  const std::string name(event.labels.Get("alertname"));
  if (name.empty()) return {};
  binding.query = {"prom", name, name, TimeKind::kSample};
  binding.on = {"instance", "job"};
  return {binding};
}

void RecordingListener::OnTransitions(std::span<const TransitionEvent> transitions) {
  if (on_told) on_told(transitions);
  MutexLock lock(mutex_);
  count_ += transitions.size();
}

size_t RecordingListener::count() const {
  MutexLock lock(mutex_);
  return count_;
}

void WebhookFixture::Start(const Setup& setup) {
  log_ = std::make_unique<MemoryEventLog>(512 << 20);
  spool_ = std::make_unique<Spool>(*log_, setup.spool_bytes_max);
  uplink_ = std::make_unique<AcknowledgingUplink>(*spool_);
  WebhookOptions options;
  options.sources = {"main", "second"};
  options.auth = setup.auth;
  auto dead_letters =
      DeadLetters::Open({dead_letter_folder(), setup.dead_letters_max}, SystemClock(), registry_);
  ASSERT_THAT(dead_letters, IsOk());
  dead_letters_ = *std::move(dead_letters);
  intake_ = std::make_unique<TransitionIntake>(binder_, *spool_, listener_);
  webhook_ = std::make_unique<Webhook>(std::move(options), *intake_, SystemClock(), registry_,
                                       dead_letters_.get());
  HttpServerOptions http;
  http.body_bytes_max = setup.body_bytes_max;
  server_ = std::make_unique<HttpServer>(std::move(http));
  webhook_->AddTo(*server_);
  AddAdminEndpoints(*server_, registry_, [] { return absl::OkStatus(); });
  ASSERT_THAT(server_->Start(), IsOk());
}

void WebhookFixture::TearDown() {
  if (server_) server_->Stop();
}

RawHttpResponse WebhookFixture::Ask(std::string_view request) {
  RawHttpClient client(server_->port());
  return client.Ask(request).value_or(RawHttpResponse());
}

std::vector<TransitionEvent> WebhookFixture::TakeTransitions() {
  const LogPosition last(spool_->bounds().next.value() - 1);
  EXPECT_TRUE(
      spool_->WaitAcknowledged(last, std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  std::vector<TransitionEvent> transitions;
  raw_payloads_.clear();
  for (const Event& event : uplink_->TakeEvents()) {
    if (const auto* const transition = TransitionOf(event)) {
      transitions.push_back(*transition);
    } else {
      raw_payloads_.push_back(std::get<RawPayload>(event));
    }
  }
  return transitions;
}

void WebhookFixture::ExpectNextIsTaken() {
  const auto begin = std::chrono::steady_clock::now();
  const RawHttpResponse response =
      Ask(PostRequest("/webhook/main", NotificationOf(FiringAlert("Next"))));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.body, "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  const auto taken = TakeTransitions();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].labels.Get("alertname"), "Next");
}

std::vector<nlohmann::json> WebhookFixture::DeadLetterFiles() const {
  std::vector<nlohmann::json> letters;
  EXPECT_THAT(ListDeadLetters(dead_letter_folder(), DeadLetterFormat::kJson,
                              [&letters](std::string_view line) {
                                letters.push_back(nlohmann::json::parse(line));
                              }),
              IsOk());
  return letters;
}

std::string WebhookFixture::Metric(const std::string& series) {
  const std::string text = "\n" + Ask(GetRequest("/metrics")).body;
  const size_t at = text.find("\n" + series + " ");
  if (at == text.npos) return "";
  const size_t begin = at + series.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string NotificationOf(std::string_view alerts) {
  return fmt::format(
      R"({{"receiver":"join","status":"firing","alerts":[{}],"groupLabels":{{}},"commonLabels":{{}},)"
      R"("commonAnnotations":{{}},"externalURL":"http://am:9093","version":"4","groupKey":"{{}}",)"
      R"("truncatedAlerts":0}})"
      "\n",
      alerts);
}

std::string FiringAlert(std::string_view name, std::string_view members) {
  return fmt::format(
      R"({{"status":"firing","labels":{{"alertname":"{}","instance":"db1:9100","job":"node"}},)"
      R"("annotations":{{"value":"93.1"}},"startsAt":"2026-03-01T10:00:12.345Z",)"
      R"("endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom/graph?g0.expr=up"{}{}}})",
      name, members.empty() ? "" : ",", members);
}

}  // namespace alertjoin
