#include "ingest-service/alertmanager/alert_decode.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/time/rfc3339.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
using testing::ElementsAre;
using testing::Pair;

Timestamp At(std::string_view text) { return *ParseRfc3339(text); }

class AlertDecode : public testing::Test {
 protected:
  // A firing alert with the given members in place of, or besides, its own.
  static nlohmann::json Alert(const char* members) {
    nlohmann::json alert = nlohmann::json::parse(R"({
      "status": "firing",
      "labels": {"alertname": "DiskFull", "instance": "db1:9100", "job": "node"},
      "annotations": {"value": "93.1"},
      "startsAt": "2026-03-01T10:00:12.345Z",
      "endsAt": "0001-01-01T00:00:00Z",
      "generatorURL": "http://prometheus.example:9090/graph?g0.expr=a+%3E+1\u0026g0.tab=1",
      "fingerprint": "d051fad0fb611515"})");
    alert.update(nlohmann::json::parse(members));
    return alert;
  }
  absl::StatusOr<TransitionEvent> Decode(const nlohmann::json& alert) {
    warnings_.clear();
    const auto document = JsonDocument::Parse(alert.dump());
    EXPECT_THAT(document, IsOk());
    return DecodeAlert(document->root(), "alerts[3]", context_, warnings_);
  }
  TransitionEvent Decoded(const char* members) {
    const auto event = Decode(Alert(members));
    EXPECT_THAT(event, IsOk());
    return event.ok() ? *event : TransitionEvent();
  }
  // An alert as it is posted, without a status and an end but for those in `members`.
  PostedAlert Posted(const std::string& members) {
    warnings_.clear();
    nlohmann::json alert = Alert(R"({"status": null, "endsAt": null})");
    alert.update(nlohmann::json::parse(members));
    const auto posted = DecodePostedAlert(alert, "[3]", context_, warnings_);
    EXPECT_THAT(posted, IsOk());
    return posted.ok() ? *posted : PostedAlert();
  }
  std::vector<std::string> Warnings() {
    std::vector<std::string> names;
    for (const WebhookWarning& warning : warnings_) names.emplace_back(NameOf(warning.kind));
    return names;
  }

  WebhookContext context_{"main", At("2026-03-01T12:00:00Z"), "value", ""};
  std::vector<WebhookWarning> warnings_;
};

TEST_F(AlertDecode, FiringAlertKeepsEveryField) {
  const TransitionEvent event = Decoded("{}");
  EXPECT_EQ(event.source, "main");
  EXPECT_EQ(event.fingerprint, "d051fad0fb611515");
  EXPECT_EQ(event.state, AlertState::kFiring);
  EXPECT_EQ(event.starts_at, At("2026-03-01T10:00:12.345Z"));
  EXPECT_FALSE(event.ends_at.has_value());
  EXPECT_EQ(event.labels,
            (LabelSet{{"alertname", "DiskFull"}, {"instance", "db1:9100"}, {"job", "node"}}));
  EXPECT_EQ(event.annotations, (LabelSet{{"value", "93.1"}}));
  EXPECT_EQ(event.generator_url, "http://prometheus.example:9090/graph?g0.expr=a+%3E+1&g0.tab=1");
  EXPECT_EQ(event.reported_value, 93.1);
  EXPECT_TRUE(event.reported_values.empty());
  EXPECT_EQ(event.received_time, context_.received_time);
  EXPECT_THAT(Warnings(), ElementsAre());
}

TEST_F(AlertDecode, ResolvedAlertEndsAtItsEnd) {
  const TransitionEvent event =
      Decoded(R"({"status": "resolved", "endsAt": "2026-03-01T10:05:00.001Z"})");
  EXPECT_EQ(event.state, AlertState::kResolved);
  EXPECT_EQ(event.ends_at, At("2026-03-01T10:05:00.001Z"));
  EXPECT_EQ(event.event_time(), *event.ends_at);
}

// The time of reception is noon.
TEST_F(AlertDecode, PostedAlertFiresUntilItsEnd) {
  const struct {
    const char* ends_at;
    bool fires;
  } cases[] = {
      {"null", true},
      {R"("0001-01-01T00:00:00Z")", true},
      {R"("2026-03-01T12:00:00.001Z")", true},
      {R"("2026-03-01T12:00:00Z")", false},
      {R"("2026-03-01T11:59:59.999Z")", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.ends_at);
    const TransitionEvent event = Posted(fmt::format(R"({{"endsAt": {}}})", c.ends_at)).event;
    EXPECT_EQ(event.state, c.fires ? AlertState::kFiring : AlertState::kResolved);
    EXPECT_EQ(event.ends_at.has_value(), !c.fires);
    EXPECT_EQ(event.starts_at, At("2026-03-01T10:00:12.345Z"));
  }
  EXPECT_EQ(Posted(R"({"endsAt": "2026-03-01T11:59:59.999Z"})").event.event_time(),
            At("2026-03-01T11:59:59.999Z"));
  EXPECT_THAT(Warnings(), ElementsAre());
}

// What is kept of posted alerts is read again when all their ends are past.
TEST_F(AlertDecode, PostedAlertThatHasAStateKeepsIt) {
  EXPECT_EQ(Posted(R"({"status": "firing", "endsAt": "2026-03-01T11:00:00Z"})").event.state,
            AlertState::kFiring);
  EXPECT_EQ(Posted(R"({"status": "resolved", "endsAt": "2026-03-01T13:00:00Z"})").event.ends_at,
            At("2026-03-01T13:00:00Z"));
  for (const char* other : {R"({"status": {"state": "active"}})", R"({"status": "active"})"}) {
    EXPECT_EQ(Posted(other).event.state, AlertState::kFiring) << other;
  }
}

TEST_F(AlertDecode, PostedAlertWithoutStartBeginsAtItsEndOrNow) {
  const PostedAlert firing = Posted(R"({"startsAt": null})");
  EXPECT_FALSE(firing.has_start);
  EXPECT_EQ(firing.event.starts_at, context_.received_time);
  const PostedAlert resolved =
      Posted(R"({"startsAt": "0001-01-01T00:00:00Z", "endsAt": "2026-03-01T11:00:00Z"})");
  EXPECT_FALSE(resolved.has_start);
  EXPECT_EQ(resolved.event.starts_at, At("2026-03-01T11:00:00Z"));
  EXPECT_TRUE(Posted("{}").has_start);
}

// Fingerprints as Alertmanager 0.25 gives them to these alerts.
TEST_F(AlertDecode, PostedAlertGetsTheFingerprintOfAlertmanager) {
  const struct {
    const char* labels;
    const char* fingerprint;
  } cases[] = {
      {R"({"alertname":"DiskFull","instance":"db1:9100","job":"node"})", "d051fad0fb611515"},
      {R"({"alertname":"Empty","gone":"","z":"1"})", "54bffda5b7cd79ea"},
      {R"({"alertname":"Other","A":"1","a":"2","_":"3"})", "a49d2040e33bd85b"},
      {R"({})", "cbf29ce484222325"},
  };
  for (const auto& c : cases) {
    const TransitionEvent event =
        Posted(fmt::format(R"({{"labels": {}, "fingerprint": "0123456789abcdef"}})", c.labels))
            .event;
    EXPECT_EQ(event.fingerprint, c.fingerprint) << c.labels;
    EXPECT_FALSE(event.labels.Has("gone"));
  }
}

TEST_F(AlertDecode, TimesAreReadWithOffsetsAndAnyFraction) {
  const struct {
    const char* text;
    const char* utc;
  } cases[] = {
      {"2026-03-01T10:00:12Z", "2026-03-01T10:00:12.000Z"},
      {"2026-03-01T10:00:12.345Z", "2026-03-01T10:00:12.345Z"},
      {"2026-03-01T10:00:12.345678901Z", "2026-03-01T10:00:12.345Z"},
      {"2017-10-21T15:50:17.16095407-02:00", "2017-10-21T17:50:17.160Z"},
      {"2018-07-04T20:27:12.60602144+02:00", "2018-07-04T18:27:12.606Z"},
      {"1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"},
  };
  for (const auto& c : cases) {
    nlohmann::json alert = Alert("{}");
    alert["startsAt"] = c.text;
    const auto event = Decode(alert);
    ASSERT_THAT(event, IsOk()) << c.text;
    EXPECT_EQ(FormatRfc3339(event->starts_at), c.utc) << c.text;
  }
}

TEST_F(AlertDecode, FiringAlertsEndIsNotLookedAt) {
  for (const char* members : {R"({"endsAt": "2030-01-01T00:00:00Z"})", R"({"endsAt": null})",
                              R"({"endsAt": "x"})", R"({"endsAt": 5})"}) {
    EXPECT_FALSE(Decoded(members).ends_at.has_value()) << members;
  }
}

TEST_F(AlertDecode, ResolvedWithoutEndIsTakenAsNow) {
  for (const char* members :
       {R"({"status": "resolved"})", R"({"status": "resolved", "endsAt": ""})",
        R"({"status": "resolved", "endsAt": null})"}) {
    EXPECT_EQ(Decoded(members).ends_at, context_.received_time) << members;
    EXPECT_THAT(Warnings(), ElementsAre("resolved_without_end")) << members;
  }
}

TEST_F(AlertDecode, EndBeforeStartIsTakenAsStart) {
  const TransitionEvent event =
      Decoded(R"({"status": "resolved", "endsAt": "2026-03-01T10:00:12.344Z"})");
  EXPECT_EQ(event.ends_at, event.starts_at);
  EXPECT_THAT(Warnings(), ElementsAre("end_before_start"));
  Decoded(R"({"status": "resolved", "endsAt": "2026-03-01T10:00:12.345Z"})");
  EXPECT_THAT(Warnings(), ElementsAre());
}

TEST_F(AlertDecode, WithoutJobInstanceOrAnyLabelItIsTaken) {
  EXPECT_EQ(Decoded(R"({"labels": {"alertname": "Sum"}})").labels,
            (LabelSet{{"alertname", "Sum"}}));
  EXPECT_TRUE(
      Decoded(R"({"labels": {}, "annotations": null, "generatorURL": null})").labels.empty());
}

TEST_F(AlertDecode, FingerprintIsComputedWhenItIsNone) {
  for (const char* members :
       {R"({"fingerprint": null})", R"({"fingerprint": ""})", R"({"fingerprint": "not hex"})",
        R"({"fingerprint": "00000000000000000000000000000000000000000000000000000000000000000"})",
        R"({"fingerprint": null, "labels": {"alertname": "DiskFull", "instance": "db1:9100",
            "job": "node", "empty": "", "null": null}})"}) {
    EXPECT_EQ(Decoded(members).fingerprint, "d051fad0fb611515") << members;
  }
  // Grafana computes it from more labels than it sends.
  EXPECT_EQ(Decoded(R"({"fingerprint": "57C1B3ab00"})").fingerprint, "57C1B3ab00");
}

TEST_F(AlertDecode, LabelTextIsKeptByteForByte) {
  const TransitionEvent event =
      Decoded(R"({"labels": {"Quote\"'": "a\"b\\c\nd\te\u0000f", "größe": "€😀"}})");
  EXPECT_THAT(
      std::vector<LabelSet::Label>(event.labels.begin(), event.labels.end()),
      ElementsAre(Pair("Quote\"'", std::string("a\"b\\c\nd\te\0f", 11)), Pair("größe", "€😀")));
}

TEST_F(AlertDecode, LimitsAreNamedWithTheLabel) {
  const auto with_label = [](size_t name_bytes, size_t value_bytes) {
    nlohmann::json alert = Alert("{}");
    alert["labels"][std::string(name_bytes, 'n')] = std::string(value_bytes, 'v');
    return alert;
  };
  EXPECT_THAT(Decode(with_label(256, 4096)), IsOk());
  EXPECT_THAT(
      Decode(with_label(4, 4097)),
      StatusIs(kInvalid, "alerts[3].labels.nnnn: the value has 4097 bytes, the limit is 4096"));
  EXPECT_THAT(Decode(with_label(257, 1)), StatusIs(kInvalid, "has 257 bytes, the limit is 256"));
  EXPECT_THAT(Decode(with_label(0, 1)), StatusIs(kInvalid, "alerts[3].labels: an empty name"));

  nlohmann::json annotated = Alert("{}");
  annotated["annotations"]["text"] = std::string(16 << 10, 'x');
  EXPECT_THAT(Decode(annotated), IsOk());
  annotated["annotations"]["text"] = std::string((16 << 10) + 1, 'x');
  EXPECT_THAT(Decode(annotated), StatusIs(kInvalid, "alerts[3].annotations.text: the value has"));

  nlohmann::json many = Alert(R"({"labels": {}})");
  for (int i = 0; i < 64; ++i) many["labels"]["l" + std::to_string(i)] = "x";
  EXPECT_THAT(Decode(many), IsOk());
  many["labels"]["one_more"] = "x";
  EXPECT_THAT(Decode(many), StatusIs(kInvalid, "alerts[3].labels: 65 entries, the limit is 64"));
}

TEST_F(AlertDecode, LongGeneratorUrlIsLeftOut) {
  nlohmann::json alert = Alert("{}");
  alert["generatorURL"] = std::string(kGeneratorUrlBytesMax + 1, 'u');
  const auto event = Decode(alert);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->generator_url, "");
  EXPECT_THAT(Warnings(), ElementsAre("long_url"));
}

TEST_F(AlertDecode, WrongShapesAreNamed) {
  const struct {
    const char* members;
    const char* message;
  } cases[] = {
      {R"({"status": null})", "alerts[3].status: expected firing or resolved, got \"\""},
      {R"({"status": "ok"})", "alerts[3].status: expected firing or resolved, got \"ok\""},
      {R"({"status": 1})", "alerts[3].status: expected a string, got number"},
      {R"({"startsAt": null})", "alerts[3].startsAt: missing"},
      {R"({"startsAt": "0001-01-01T00:00:00Z"})", "alerts[3].startsAt: missing"},
      {R"({"startsAt": "yesterday"})", "alerts[3].startsAt: "},
      {R"({"startsAt": "2026-03-01 10:00:00 UTC"})", "alerts[3].startsAt: "},
      {R"({"startsAt": 1772359212})", "alerts[3].startsAt: expected a string, got number"},
      {R"({"status": "resolved", "endsAt": "2026-02-30T00:00:00Z"})", "alerts[3].endsAt: "},
      {R"({"labels": []})", "alerts[3].labels: expected an object of strings, got array"},
      {R"({"labels": {"a": 1}})", "alerts[3].labels.a: expected a string, got number"},
      {R"({"annotations": {"a": {}}})", "alerts[3].annotations.a: expected a string, got object"},
      {R"({"generatorURL": []})", "alerts[3].generatorURL: expected a string"},
      {R"({"fingerprint": 12})", "alerts[3].fingerprint: expected a string"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Decode(Alert(c.members)), StatusIs(kInvalid, c.message)) << c.members;
  }
  EXPECT_THAT(Decode(nlohmann::json("x")),
              StatusIs(kInvalid, "alerts[3]: expected an object, got string"));
}

TEST_F(AlertDecode, GrafanaValuesAreKeptByName) {
  const TransitionEvent event =
      Decoded(R"({"values": {"C": 1, "A": 93.5, "B": null, "D": "text", "E": -1e300}})");
  EXPECT_THAT(event.reported_values, ElementsAre(Pair("A", 93.5), Pair("C", 1), Pair("E", -1e300)));
  EXPECT_TRUE(Decoded(R"({"values": null})").reported_values.empty());
  EXPECT_TRUE(Decoded(R"({"values": []})").reported_values.empty());
}

TEST_F(AlertDecode, ValueAnnotationIsTheConfiguredOne) {
  context_.value_annotation = "current";
  EXPECT_EQ(Decoded(R"({"annotations": {"value": "1", "current": "2"}})").reported_value, 2);
  EXPECT_FALSE(Decoded(R"({"annotations": {"value": "1"}})").reported_value.has_value());
  context_.value_annotation = "";
  EXPECT_FALSE(Decoded(R"({"annotations": {"value": "1"}})").reported_value.has_value());
}

TEST_F(AlertDecode, TraceparentIsKeptInItsFormOnly) {
  context_.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_EQ(Decoded("{}").traceparent, context_.traceparent);
  for (const char* text : {"", "x", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"}) {
    context_.traceparent = text;
    EXPECT_EQ(Decoded("{}").traceparent, "") << text;
  }
}

TEST(ReportedValue, IsTheWholeTextOrNothing) {
  EXPECT_EQ(ParseReportedValue("93.1"), 93.1);
  EXPECT_EQ(ParseReportedValue("-0.5"), -0.5);
  EXPECT_EQ(ParseReportedValue("+5"), 5);
  EXPECT_EQ(ParseReportedValue("1e+06"), 1e6);
  EXPECT_TRUE(std::isnan(*ParseReportedValue("NaN")));
  EXPECT_EQ(ParseReportedValue("+Inf"), INFINITY);
  EXPECT_EQ(ParseReportedValue("-Inf"), -INFINITY);
  for (const char* text : {"", " ", "93.1%", "93 ms", " 93", "93 ", "93\n", "1,5", "1e999",
                           "-1e999", "0x1f", "nan(7)", "NaN(0x2)", "five", "1.2.3", "--1"}) {
    EXPECT_FALSE(ParseReportedValue(text).has_value()) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace alertjoin
