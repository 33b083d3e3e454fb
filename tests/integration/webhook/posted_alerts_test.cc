// What Prometheus posts to an Alertmanager, over HTTP.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

#include "common/time/rfc3339.h"
#include "tests/integration/webhook/webhook_fixture.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr char kFuture[] = R"("2126-03-01T10:00:00.000Z")";
constexpr char kPast[] = R"("2026-03-01T10:07:00.000Z")";

// An alert as Prometheus posts it.
std::string Alert(std::string_view name, std::string_view ends_at,
                  std::string_view starts_at = R"("2026-03-01T10:00:12.345Z")") {
  return fmt::format(R"({{"labels":{{"alertname":"{}","instance":"db1:9100","job":"node"}},)"
                     R"("annotations":{{"value":"93.1"}},"startsAt":{},"endsAt":{},)"
                     R"("generatorURL":"http://prom/graph?g0.expr=up"}})",
                     name, starts_at, ends_at);
}

class PostedAlertsTest : public WebhookFixture {
 protected:
  int Post(const std::string& alerts, std::string_view path = "/api/v2/alerts") {
    const RawHttpResponse response = Ask(PostRequest(path, "[" + alerts + "]"));
    EXPECT_EQ(response.body.empty(), response.status == 200) << response.body;
    return response.status;
  }
};

TEST_F(PostedAlertsTest, AreTransitionsLikeThoseOfAWebhook) {
  Start({});
  EXPECT_EQ(Post(Alert("DiskFull", kFuture) + "," + Alert("Other", kPast)), 200);
  const auto posted = TakeTransitions();
  ASSERT_THAT(posted, SizeIs(2));
  EXPECT_EQ(posted[1].state, AlertState::kResolved);
  EXPECT_EQ(FormatRfc3339(*posted[1].ends_at), "2026-03-01T10:07:00.000Z");
  EXPECT_EQ(
      Ask(PostRequest("/webhook/main", NotificationOf(FiringAlert(
                                           "DiskFull", R"("fingerprint":"d051fad0fb611515")"))))
          .status,
      200);
  TransitionEvent by_webhook = TakeTransitions().at(0);
  by_webhook.origin = Origin::kPrometheus;
  by_webhook.notification = {};
  by_webhook.received_time = posted[0].received_time;
  EXPECT_EQ(by_webhook, posted[0]);
  EXPECT_EQ(listener_.count(), 3u);
}

TEST_F(PostedAlertsTest, RepetitionsAreTakenAsWellButStoreNothing) {
  Start({});
  EXPECT_EQ(Post(Alert("A", kFuture) + "," + Alert("B", kPast)), 200);
  EXPECT_THAT(TakeTransitions(), SizeIs(2));
  const LogPosition before = spool_->bounds().next;
  for (int i = 0; i < 100; ++i) {
    const std::string later = fmt::format(R"("2126-03-01T10:{:02}:00Z")", i % 60);
    EXPECT_EQ(Post(Alert("A", later) + "," + Alert("B", kPast)), 200);
  }
  EXPECT_EQ(spool_->bounds().next, before);
  EXPECT_EQ(Metric(R"(alertjoin_webhook_alerts_total{source="main",state="firing"})"), "1");
  EXPECT_EQ(Metric(R"(alertjoin_webhook_repeated_alerts_total{source="main"})"), "200");
  // Its end is news.
  EXPECT_EQ(Post(Alert("A", kPast) + "," + Alert("B", kPast)), 200);
  const auto taken = TakeTransitions();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(taken[0].state, AlertState::kResolved);
}

TEST_F(PostedAlertsTest, WhatAWebhookHasSaidIsNoNews) {
  Start({});
  EXPECT_EQ(Ask(PostRequest("/webhook/main", NotificationOf(FiringAlert("A")))).status, 200);
  EXPECT_THAT(TakeTransitions(), SizeIs(1));
  EXPECT_EQ(Post(Alert("A", kFuture)), 200);
  EXPECT_THAT(TakeTransitions(), IsEmpty());
  EXPECT_EQ(Post(Alert("A", kFuture), "/prometheus/second/api/v2/alerts"), 200);
  EXPECT_THAT(TakeTransitions(), SizeIs(1));
}

TEST_F(PostedAlertsTest, RefusedOnesAreTakenWhenTheyComeAgain) {
  Setup setup;
  setup.spool_bytes_max = 1500;
  Start(setup);
  uplink_->SetSilent(true);
  EXPECT_EQ(Post(Alert("A", kFuture)), 200);
  EXPECT_EQ(Post(Alert("B", kFuture)), 200);
  EXPECT_EQ(Post(Alert("C", kFuture) + "," + Alert("D", kFuture)), 503);
  EXPECT_EQ(Post(Alert("A", kFuture)), 200);
  uplink_->SetSilent(false);
  EXPECT_THAT(TakeTransitions(), SizeIs(2));
  EXPECT_EQ(Post(Alert("C", kFuture) + "," + Alert("D", kFuture)), 200);
  EXPECT_THAT(TakeTransitions(), SizeIs(2));
}

TEST_F(PostedAlertsTest, RepetitionsWithoutAStartAreOneEpisode) {
  Start({});
  EXPECT_EQ(Post(Alert("A", "null", "null")), 200);
  const auto first = TakeTransitions();
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].starts_at, first[0].received_time);
  EXPECT_EQ(Post(Alert("A", "null", "null")), 200);
  EXPECT_THAT(TakeTransitions(), IsEmpty());
  const std::string now = '"' + FormatRfc3339(SystemClock().Now()) + '"';
  EXPECT_EQ(Post(Alert("A", now, "null")), 200);
  const auto resolved = TakeTransitions();
  ASSERT_THAT(resolved, SizeIs(1));
  EXPECT_EQ(resolved[0].state, AlertState::kResolved);
  EXPECT_EQ(resolved[0].starts_at, first[0].starts_at);
}

TEST_F(PostedAlertsTest, WhatIsKeptOfThemMakesTheSameAlertsAgain) {
  Start({});
  EXPECT_EQ(Post(Alert("A", kFuture)), 200);
  EXPECT_EQ(Post(Alert("A", kFuture) + "," + Alert("B", kPast)), 200);
  const auto taken = TakeTransitions();
  ASSERT_THAT(taken, SizeIs(2));
  ASSERT_THAT(raw_payloads_, SizeIs(2));
  const auto kept = nlohmann::json::parse(raw_payloads_[1].body);
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0]["labels"]["alertname"], "B");
  EXPECT_EQ(kept[0]["status"], "resolved");
  for (const RawPayload& payload : std::vector<RawPayload>(raw_payloads_)) {
    EXPECT_EQ(Ask(PostRequest("/webhook/second", payload.body)).status, 200);
  }
  auto again = TakeTransitions();
  ASSERT_THAT(again, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    again[i].source = taken[i].source;
    again[i].received_time = taken[i].received_time;
    EXPECT_EQ(again[i], taken[i]);
  }
}

TEST_F(PostedAlertsTest, StatusIsThatOfAnAlertmanager) {
  Start({});
  for (const char* path : {"/api/v2/status", "/prometheus/second/api/v2/status"}) {
    const RawHttpResponse response = Ask(GetRequest(path));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("content-type"), "application/json");
    const auto status = nlohmann::json::parse(response.body);
    EXPECT_EQ(status["cluster"]["status"], "disabled");
    EXPECT_EQ(status["versionInfo"]["version"], ALERTJOIN_VERSION);
    EXPECT_THAT(ParseRfc3339(status["uptime"].get<std::string>()), IsOk());
    for (const char* key : {"branch", "buildDate", "buildUser", "goVersion", "revision"}) {
      EXPECT_TRUE(status["versionInfo"][key].is_string()) << key;
    }
    EXPECT_EQ(status["config"]["original"], "");
  }
}

}  // namespace
}  // namespace alertjoin
