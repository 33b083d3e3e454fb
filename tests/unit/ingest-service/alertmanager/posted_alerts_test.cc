#include "ingest-service/alertmanager/posted_alerts.h"

#include <gmock/gmock.h>

#include "common/time/rfc3339.h"
#include "ingest-service/alertmanager/webhook_decode.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
using nlohmann::json;
using testing::SizeIs;

// As Prometheus 2.42 posts it.
constexpr char kBody[] = R"([
 {"annotations":{"value":"93.1"},"endsAt":"2026-03-01T12:03:40.345Z",
  "startsAt":"2026-03-01T10:00:12.345Z","generatorURL":"http://prometheus:9090/graph?g0.expr=a",
  "labels":{"alertname":"DiskFull","instance":"db1:9100","job":"node"}},
 {"annotations":{},"endsAt":"2026-03-01T11:59:42.345Z","startsAt":"2026-03-01T09:51:12.345Z",
  "generatorURL":"","labels":{"alertname":"DiskFull","instance":"db2:9100","job":"node"}},
 {"labels":{"alertname":"ByHand"}}])";

WebhookContext ContextAt(const char* received) {
  return {"main", *ParseRfc3339(received), "value", ""};
}

absl::StatusOr<PostedAlerts> Decode(const json& root,
                                    const char* received = "2026-03-01T12:00:00Z") {
  return DecodePostedAlerts(root, ContextAt(received));
}

TEST(PostedAlerts, EveryAlertComesFromPrometheus) {
  const auto posted = Decode(json::parse(kBody));
  ASSERT_THAT(posted, IsOk());
  ASSERT_THAT(posted->alerts, SizeIs(3));
  for (const PostedAlert& alert : posted->alerts) {
    EXPECT_EQ(alert.event.origin, Origin::kPrometheus);
    EXPECT_EQ(alert.event.source, "main");
  }
  EXPECT_EQ(posted->alerts[0].event.state, AlertState::kFiring);
  EXPECT_EQ(posted->alerts[0].event.reported_value, 93.1);
  EXPECT_EQ(posted->alerts[1].event.state, AlertState::kResolved);
  EXPECT_FALSE(posted->alerts[2].has_start);
  EXPECT_THAT(posted->warnings, SizeIs(0));
}

TEST(PostedAlerts, AFaultIsTheAlertsOwnAndNamed) {
  json root = json::parse(kBody);
  root[0]["labels"]["job"] = 5;
  root[1] = nullptr;
  const auto posted = Decode(root);
  ASSERT_THAT(posted, IsOk());
  EXPECT_EQ(posted->faults.count, 2u);
  EXPECT_THAT(posted->faults.first,
              StatusIs(kInvalid, "[0].labels.job: expected a string, got number"));
  ASSERT_THAT(posted->alerts, SizeIs(1));
  // What is kept of it is its own text, wherever that stood.
  const size_t chosen[] = {0};
  const json kept = json::parse(BodyOf(root, *posted, chosen));
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0]["labels"]["alertname"], "ByHand");
}

TEST(PostedAlerts, TheirNumberIsLimited) {
  const json alert = {{"labels", json::object()}};
  EXPECT_THAT(Decode(json(kWebhookAlertsMax, alert)), IsOk());
  EXPECT_THAT(Decode(json(kWebhookAlertsMax + 1, alert)),
              StatusIs(kInvalid, "20001 alerts, the limit is 20000"));
}

TEST(PostedAlerts, WhatIsKeptMakesTheSameTransitionsAtAnyTime) {
  const json root = json::parse(kBody);
  const auto posted = Decode(root);
  ASSERT_THAT(posted, IsOk());
  const size_t chosen[] = {0, 1, 2};
  const auto again = Decode(json::parse(BodyOf(root, *posted, chosen)), "2026-03-07T00:00:00Z");
  ASSERT_THAT(again, IsOk());
  ASSERT_THAT(again->alerts, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) {
    TransitionEvent event = again->alerts[i].event;
    event.received_time = posted->alerts[i].event.received_time;
    EXPECT_EQ(event, posted->alerts[i].event) << i;
  }
}

TEST(PostedAlerts, OnlyTheChosenOnesAreKept) {
  const json root = json::parse(kBody);
  const auto posted = Decode(root);
  ASSERT_THAT(posted, IsOk());
  const size_t chosen[] = {1};
  const json kept = json::parse(BodyOf(root, *posted, chosen));
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0]["labels"]["instance"], "db2:9100");
  EXPECT_EQ(kept[0]["generatorURL"], "");
}

}  // namespace
}  // namespace alertjoin
