#include "ingest-service/alertmanager/webhook.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "common/event/event_limits.h"
#include "tests/integration/webhook/webhook_fixture.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class WebhookTest : public WebhookFixture {
 protected:
  static std::string Post() {
    return PostRequest("/webhook/main", NotificationOf(FiringAlert("A")));
  }
};

TEST_F(WebhookTest, WhatIsInTheSpoolIsTakenWhateverTheCorrelatorDoes) {
  Start({});
  uplink_->SetSilent(true);
  EXPECT_EQ(Ask(Post()).status, 200);
  EXPECT_EQ(spool_->waiting(), 2u);  // The alert, and the body.
  EXPECT_EQ(Metric(R"(alertjoin_webhook_alerts_total{source="main",state="firing"})"), "1");
  uplink_->SetSilent(false);
  EXPECT_EQ(Ask(Post()).status, 200);
  EXPECT_EQ(TakeTransitions().size(), 2u);
}

TEST_F(WebhookTest, TheBodyIsKeptAsItCame) {
  Start({});
  const std::string body = "  " + NotificationOf(FiringAlert("A") + "," + FiringAlert("B")) + "\n";
  EXPECT_EQ(Ask(PostRequest("/webhook/main", body)).status, 200);
  const auto transitions = TakeTransitions();
  ASSERT_EQ(transitions.size(), 2u);
  ASSERT_EQ(raw_payloads_.size(), 1u);
  EXPECT_EQ(raw_payloads_[0].body, body);
  EXPECT_EQ(raw_payloads_[0].source, "main");
  EXPECT_EQ(raw_payloads_[0].received_time, transitions[0].received_time);
}

TEST_F(WebhookTest, AlertsOfABodyThatIsTooLargeToBeKeptAreTaken) {
  Setup setup;
  setup.body_bytes_max = 2 * kRawPayloadBytesMax;
  Start(setup);
  const std::string body = NotificationOf(FiringAlert("A")) + std::string(kRawPayloadBytesMax, ' ');
  EXPECT_EQ(Ask(PostRequest("/webhook/main", body)).status, 200);
  EXPECT_EQ(TakeTransitions().size(), 1u);
  EXPECT_TRUE(raw_payloads_.empty());
  EXPECT_EQ(Metric(R"(alertjoin_webhook_warnings_total{kind="payload_not_kept",source="main"})"),
            "1");
}

TEST_F(WebhookTest, FullSpoolIs503AndNothingOfTheBodyIsStored) {
  Setup setup;
  setup.spool_bytes_max = 2000;
  Start(setup);
  uplink_->SetSilent(true);
  std::string alerts = FiringAlert("A0");
  for (int i = 1; i < 50; ++i) alerts += "," + FiringAlert("A" + std::to_string(i));
  const RawHttpResponse response = Ask(PostRequest("/", NotificationOf(alerts)));
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("spool: full"));
  EXPECT_EQ(response.headers.at("retry-after"), "5");
  EXPECT_EQ(spool_->bounds().next, spool_->bounds().first);
  EXPECT_EQ(listener_.count(), 0u);
  uplink_->SetSilent(false);
  EXPECT_EQ(Ask(Post()).status, 200);
}

TEST_F(WebhookTest, ListenerHearsOfWhatWasStored) {
  Start({});
  EXPECT_EQ(Ask(PostRequest("/", NotificationOf(FiringAlert("A") + "," + FiringAlert("B")))).status,
            200);
  EXPECT_EQ(Ask(PostRequest("/", "[1]")).status, 400);
  EXPECT_EQ(listener_.count(), 2u);
}

TEST_F(WebhookTest, AnswersAlertsAndRefusalsAreCounted) {
  Start({});
  const std::string resolved = FiringAlert("B", R"("status":"resolved")");
  Ask(PostRequest("/", NotificationOf(FiringAlert("A") + "," + resolved)));
  Ask(PostRequest("/webhook/second", R"({"alerts":[],"truncatedAlerts":3,"version":"9"})"));
  Ask(PostRequest("/", "{"));
  Ask(PostRequest("/", "[1]"));
  Ask(PostRequest("/webhook/x\"y", "{}"));
  Ask(PostRequest("/webhook/z", "{}"));
  const std::pair<const char*, const char*> expected[] = {
      {R"(alertjoin_webhook_requests_total{code="200",source="main"})", "1"},
      {R"(alertjoin_webhook_requests_total{code="200",source="second"})", "1"},
      {R"(alertjoin_webhook_requests_total{code="400",source="main"})", "2"},
      {R"(alertjoin_webhook_requests_total{code="404",source=""})", "2"},
      {R"(alertjoin_webhook_alerts_total{source="main",state="firing"})", "1"},
      {R"(alertjoin_webhook_alerts_total{source="main",state="resolved"})", "1"},
      {R"(alertjoin_webhook_refused_total{reason="not_json"})", "1"},
      {R"(alertjoin_webhook_refused_total{reason="wrong_shape"})", "1"},
      {R"(alertjoin_webhook_refused_total{reason="unknown_source"})", "2"},
      {R"(alertjoin_webhook_warnings_total{kind="resolved_without_end",source="main"})", "1"},
      {R"(alertjoin_webhook_warnings_total{kind="unknown_version",source="second"})", "1"},
      {R"(alertjoin_webhook_truncated_alerts_total{source="second"})", "3"},
  };
  for (const auto& [series, value] : expected) EXPECT_EQ(Metric(series), value) << series;
}

TEST_F(WebhookTest, ARequestThatThrowsIsCountedAndNotInProgressForEver) {
  listener_.on_told = [](std::span<const TransitionEvent>) { throw std::runtime_error("fault"); };
  Start({});
  EXPECT_EQ(Ask(Post()).status, 500);
  EXPECT_EQ(Metric(R"(alertjoin_stage_in_progress{stage="webhook"})"), "0");
  EXPECT_EQ(Metric(R"(alertjoin_stage_out_total{stage="webhook"})"), "1");
  EXPECT_EQ(Metric(R"(alertjoin_webhook_requests_total{code="500",source="main"})"), "1");
  EXPECT_EQ(Metric(R"(alertjoin_webhook_refused_total{reason="internal"})"), "1");
}

TEST_F(WebhookTest, ManySendersAtOnceLoseAndDoubleNothing) {
  Start({});
  constexpr int kSenders = 8;
  constexpr int kNotifications = 50;
  std::atomic<int> taken{0};
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      RawHttpClient client(server_->port());
      for (int i = 0; i < kNotifications; ++i) {
        const std::string name = std::to_string(sender) + "_" + std::to_string(i);
        const auto response = client.Ask(PostRequest("/", NotificationOf(FiringAlert(name))));
        taken += response.has_value() && response->status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(taken, kSenders * kNotifications);
  std::set<std::string> names;
  const auto stored = TakeTransitions();
  for (const auto& event : stored) names.emplace(event.labels.Get("alertname"));
  EXPECT_EQ(stored.size(), static_cast<size_t>(kSenders * kNotifications));
  EXPECT_EQ(names.size(), stored.size());
}

}  // namespace
}  // namespace alertjoin
