#include "ingest-service/alertmanager/webhook_decode.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "common/time/rfc3339.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

// As Alertmanager 0.34 writes it, with all its fields.
constexpr std::string_view kPayload = R"({
 "receiver":"team\\.join","status":"firing",
 "alerts":[
  {"status":"firing","labels":{"alertname":"DiskFull","instance":"db1:9100","job":"node"},
   "annotations":{"value":"93.1"},"startsAt":"2026-03-01T10:00:12.345Z",
   "endsAt":"0001-01-01T00:00:00Z",
   "generatorURL":"http://prometheus.example:9090/graph?g0.expr=disk_used_percent+%3E+90\u0026g0.tab=1",
   "fingerprint":"d051fad0fb611515"},
  {"status":"resolved","labels":{"alertname":"DiskFull","instance":"db2:9100","job":"node"},
   "annotations":{"value":"91.7"},"startsAt":"2026-03-01T09:51:12.345Z",
   "endsAt":"2026-03-01T09:58:42.345Z","generatorURL":"","fingerprint":"eeb797c0bf2348fa"}],
 "groupLabels":{"alertname":"DiskFull"},"commonLabels":{"alertname":"DiskFull","job":"node"},
 "commonAnnotations":{"summary":"full"},"routeLabels":{"team":"db"},
 "externalURL":"http://alertmanager.example:9093","version":"4",
 "groupKey":"{}:{alertname=\"DiskFull\"}","truncatedAlerts":0,
 "notification_reason":"some alerts resolved"}
)";

constexpr std::string_view kGrafanaPayload = R"({
 "receiver":"join","status":"firing","orgId":1,"state":"alerting","title":"[FIRING:1]",
 "message":"text","version":"1","groupKey":"{}:{}","truncatedAlerts":0,"appVersion":"11.4.0",
 "groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://grafana/",
 "alerts":[{"status":"firing","labels":{"alertname":"High","grafana_folder":"f"},
  "annotations":{},"startsAt":"2026-03-01T12:00:00+01:00","endsAt":"0001-01-01T00:00:00Z",
  "generatorURL":"http://grafana/alerting/grafana/abc/view","fingerprint":"57c1b3ab00112233",
  "silenceURL":"","dashboardURL":"","panelURL":"","values":{"A":12.5,"C":1},
  "valueString":"[ var='A' labels={} value=12.5 ]","ruleUID":"abc","orgId":1}]})";

WebhookContext Context() {
  return {"main", *ParseRfc3339("2026-03-01T12:00:00Z"), "value",
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
}

absl::StatusOr<DecodedWebhook> Decode(std::string_view body) {
  return DecodeWebhook(body, Context());
}

// A notification of one firing alert with the given further members at its root.
std::string With(std::string_view members) {
  return fmt::format(R"({{"alerts":[{{"status":"firing","labels":{{"alertname":"A"}},)"
                     R"("startsAt":"2026-03-01T10:00:00Z"}}]{}{}}})",
                     members.empty() ? "" : ",", members);
}

std::vector<std::string> Warnings(std::string_view body) {
  std::vector<std::string> names;
  const auto decoded = Decode(body);
  EXPECT_THAT(decoded, IsOk()) << body;
  if (!decoded.ok()) return names;
  for (const auto& warning : decoded->warnings) names.emplace_back(NameOf(warning.kind));
  return names;
}

TEST(WebhookDecode, EveryAlertHasItsOwnStateAndTheWholeNotification) {
  const auto decoded = Decode(kPayload);
  ASSERT_THAT(decoded, IsOk());
  ASSERT_THAT(decoded->events, SizeIs(2));
  EXPECT_THAT(decoded->warnings, SizeIs(0));
  const TransitionEvent& resolved = decoded->events[1];
  // The root says "firing".
  EXPECT_EQ(resolved.state, AlertState::kResolved);
  EXPECT_EQ(resolved.ends_at, *ParseRfc3339("2026-03-01T09:58:42.345Z"));
  EXPECT_EQ(resolved.reported_value, 91.7);
  EXPECT_EQ(resolved.fingerprint, "eeb797c0bf2348fa");
  for (const TransitionEvent& event : decoded->events) {
    EXPECT_EQ(event.origin, Origin::kAlertmanagerWebhook);
    EXPECT_EQ(event.source, "main");
    EXPECT_EQ(event.traceparent, Context().traceparent);
    EXPECT_TRUE(event.bindings.empty());
    const Notification& notification = event.notification;
    EXPECT_EQ(notification.receiver, "team\\.join");
    EXPECT_EQ(notification.group_status, "firing");
    EXPECT_EQ(notification.group_key, "{}:{alertname=\"DiskFull\"}");
    EXPECT_EQ(notification.group_labels, (LabelSet{{"alertname", "DiskFull"}}));
    EXPECT_EQ(notification.common_labels, (LabelSet{{"alertname", "DiskFull"}, {"job", "node"}}));
    EXPECT_EQ(notification.common_annotations, (LabelSet{{"summary", "full"}}));
    EXPECT_EQ(notification.route_labels, (LabelSet{{"team", "db"}}));
    EXPECT_EQ(notification.external_url, "http://alertmanager.example:9093");
    EXPECT_EQ(notification.version, "4");
    EXPECT_EQ(notification.truncated_alerts, 0u);
    EXPECT_EQ(notification.notification_reason, "some alerts resolved");
  }
}

TEST(WebhookDecode, GrafanaIsToldByItsShape) {
  const auto decoded = Decode(kGrafanaPayload);
  ASSERT_THAT(decoded, IsOk());
  ASSERT_THAT(decoded->events, SizeIs(1));
  EXPECT_EQ(decoded->events[0].origin, Origin::kGrafanaWebhook);
  EXPECT_EQ(decoded->events[0].starts_at, *ParseRfc3339("2026-03-01T11:00:00Z"));
  EXPECT_THAT(decoded->events[0].reported_values, ElementsAre(Pair("A", 12.5), Pair("C", 1)));
  EXPECT_THAT(decoded->warnings, SizeIs(0));
  EXPECT_EQ(Decode(With(R"("version":"4","state":"ok")"))->events[0].origin,
            Origin::kGrafanaWebhook);
  EXPECT_EQ(Decode(With(R"("version":"1")"))->events[0].origin, Origin::kAlertmanagerWebhook);
}

TEST(WebhookDecode, AbsentAndNullFieldsHaveDefaults) {
  for (const char* members :
       {"", R"("receiver":null,"status":null,"groupLabels":null,"commonLabels":null,
               "commonAnnotations":null,"externalURL":null,"version":null,"groupKey":null,
               "truncatedAlerts":null,"routeLabels":null,"notification_reason":null)"}) {
    const auto decoded = Decode(With(members));
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->events.at(0).notification, Notification());
    EXPECT_THAT(decoded->warnings, SizeIs(0));
  }
}

TEST(WebhookDecode, UnknownFieldsAreIgnored) {
  EXPECT_THAT(Warnings(With(R"("version":"4","extra":{"deep":[1,{"x":null}]},"":0)")),
              ElementsAre());
}

TEST(WebhookDecode, UnknownVersionIsTakenWithAWarning) {
  EXPECT_THAT(Warnings(With(R"("version":"5")")), ElementsAre("unknown_version"));
  EXPECT_THAT(Warnings(With(R"("version":4)")), ElementsAre());
  EXPECT_THAT(Warnings(With(R"("version":"4","orgId":1)")), ElementsAre("unknown_version"));
}

TEST(WebhookDecode, TruncatedAlertsAreWarnedOfAndCounted) {
  const std::string body = With(R"("truncatedAlerts":7)");
  EXPECT_THAT(Warnings(body), ElementsAre("truncated_alerts"));
  EXPECT_EQ(Decode(body)->truncated_alerts, 7u);
  EXPECT_EQ(Decode(body)->events[0].notification.truncated_alerts, 7u);
}

TEST(WebhookDecode, NoAlertsIsNoFault) {
  for (const char* body : {R"({"alerts":[]})", R"({"alerts":null,"version":"4"})"}) {
    const auto decoded = Decode(body);
    ASSERT_THAT(decoded, IsOk());
    EXPECT_TRUE(decoded->events.empty());
  }
}

TEST(WebhookDecode, AnAlertsFaultIsItsOwnAndNamed) {
  const auto decoded =
      Decode(R"({"alerts":[{"status":"firing","labels":{"n":"0"},"startsAt":"2026-03-01T10:00:00Z"},
                           {"status":"firing","labels":{}},
                           [],
                           {"status":"firing","labels":{"n":"3"},"startsAt":"2026-03-01T10:00:00Z"}
                          ]})");
  ASSERT_THAT(decoded, IsOk());
  ASSERT_THAT(decoded->events, SizeIs(2));
  EXPECT_EQ(decoded->events[0].labels.Get("n"), "0");
  EXPECT_EQ(decoded->events[1].labels.Get("n"), "3");
  EXPECT_EQ(decoded->faults.count, 2u);
  EXPECT_THAT(decoded->faults.first, StatusIs(kInvalid, "alerts[1].startsAt: missing"));
  EXPECT_EQ(DetailOf(decoded->faults.first)->reason, "WRONG_SHAPE");
  const auto none = Decode(R"({"alerts":[[]]})");
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->events.empty());
  EXPECT_THAT(none->faults.first, StatusIs(kInvalid, "alerts[0]: expected an object, got array"));
}

TEST(WebhookDecode, WrongShapesAreNamedWithAHint) {
  const struct {
    const char* body;
    const char* message;
  } cases[] = {
      {"[]", "or an array of alerts"},
      {"{}", "`payload:`"},
      {R"({"text":"alert!"})", "`payload:`"},
      {"\"alerts\"", "`payload:`"},
      {"null", "`payload:`"},
      {"5", "`payload:`"},
      {R"({"alerts":{}})", "alerts: expected an array, got object"},
      {R"({"alerts":[],"receiver":{}})", "receiver: expected a string, got object"},
      {R"({"alerts":[],"truncatedAlerts":-1})", "truncatedAlerts: expected a number from 0 on"},
      {R"({"alerts":[],"truncatedAlerts":"1"})", "truncatedAlerts: expected a number from 0 on"},
      {R"({"alerts":[],"groupLabels":"x"})", "groupLabels: expected an object of strings"},
  };
  for (const auto& c : cases) {
    const auto decoded = Decode(c.body);
    EXPECT_THAT(decoded, StatusIs(kInvalid, c.message)) << c.body;
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(DetailOf(decoded.status())->reason, "WRONG_SHAPE") << c.body;
  }
}

TEST(WebhookDecode, NumberOfAlertsIsLimited) {
  const auto body = [](size_t alerts) {
    std::string text = R"({"alerts":[)";
    for (size_t i = 0; i < alerts; ++i) {
      text += R"({"status":"firing","startsAt":"2026-03-01T10:00:00Z"},)";
    }
    text.back() = ']';
    return text + "}";
  };
  EXPECT_THAT(Decode(body(kWebhookAlertsMax)), IsOk());
  const auto refused = Decode(body(kWebhookAlertsMax + 1));
  EXPECT_THAT(refused, StatusIs(kInvalid, "alerts: 20001 alerts, the limit is 20000"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "OVER_LIMIT");
}

// Each alert carries a copy: a large group text times many alerts would take all memory.
TEST(WebhookDecode, LargeNotificationIsLeftOutOfManyAlerts) {
  std::string text = R"({"version":"4","receiver":"r","groupKey":")" + std::string(10'000, 'k') +
                     R"(","commonAnnotations":{"a":"b"},"alerts":[)";
  for (size_t i = 0; i < 10'000; ++i) {
    text += R"({"status":"firing","labels":{"a":"b"},"startsAt":"2026-03-01T10:00:00Z"},)";
  }
  text.back() = ']';
  const auto decoded = Decode(text + "}");
  ASSERT_THAT(decoded, IsOk());
  ASSERT_THAT(decoded->warnings, SizeIs(1));
  EXPECT_EQ(decoded->warnings[0].kind, WebhookWarning::Kind::kLongNotification);
  const Notification& kept = decoded->events.back().notification;
  EXPECT_EQ(kept.receiver, "r");
  EXPECT_EQ(kept.version, "4");
  EXPECT_EQ(kept.group_key, "");
  EXPECT_TRUE(kept.common_annotations.empty());
  EXPECT_EQ(decoded->events.back().labels, (LabelSet{{"a", "b"}}));
}

TEST(WebhookDecode, EveryCutOfABodyIsRefused) {
  const std::string_view body = kPayload.substr(0, kPayload.rfind('}') + 1);
  for (size_t size = 0; size < body.size(); ++size) {
    ASSERT_THAT(Decode(body.substr(0, size)), StatusIs(kInvalid, "not JSON")) << size;
  }
}

// Whatever the bytes: an answer, and what is taken is well-formed.
TEST(WebhookDecode, ChangedBodiesNeverCrash) {
  std::mt19937_64 random(TestSeed());
  constexpr std::string_view kBytes = "\"{}[]:,\\ 0a\x80\xff\n-";
  for (int i = 0; i < 5000; ++i) {
    std::string body(i % 2 == 0 ? kPayload : kGrafanaPayload);
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % body.size();
      switch (random() % 3) {
        case 0:
          body[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          body.erase(at, random() % 20);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 40));
      }
    }
    const auto decoded = Decode(body);
    if (!decoded.ok()) {
      EXPECT_THAT(decoded, StatusIs(kInvalid)) << body;
      continue;
    }
    for (const TransitionEvent& event : decoded->events) {
      EXPECT_FALSE(event.fingerprint.empty()) << body;
      EXPECT_EQ(event.ends_at.has_value(), event.state == AlertState::kResolved) << body;
    }
  }
}

}  // namespace
}  // namespace alertjoin
