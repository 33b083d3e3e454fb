#include "ingest-service/rules/rule_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/event/event_limits.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using nlohmann::json;

// As Prometheus 2.42 answers, with one alert of each state.
constexpr char kAnswer[] = R"json({"groups":[{"name":"example","file":"/etc/rules.yml","rules":[
  {"state":"firing","name":"QueueDeep","query":"queue_depth \u003e 90","duration":4.5,
   "keepFiringFor":0,"labels":{"severity":"page"},"annotations":{"value":"{{ $value }}"},
   "alerts":[
     {"labels":{"alertname":"QueueDeep","queue":"a"},"annotations":{},"state":"firing",
      "activeAt":"2026-03-01T10:00:12.345678Z","value":"9.1e+01"},
     {"labels":{"alertname":"QueueDeep","queue":"b"},"annotations":{},"state":"pending",
      "activeAt":"2026-03-01T10:00:14Z","value":"92"}],
   "health":"ok","evaluationTime":0.0003,"lastEvaluation":"2026-03-01T10:00:15Z","type":"alerting"},
  {"name":"job:up:sum","query":"sum by (job) (up)","health":"ok","type":"recording"},
  {"state":"inactive","name":"Broken","query":"a + b","duration":0,"labels":{},"annotations":{},
   "alerts":[],"health":"err","lastError":"many-to-many","type":"alerting"}],
  "interval":2,"limit":0}]})json";

TEST(RuleList, DecodesAlertingRulesAndTheirAlerts) {
  const auto list = DecodeRuleList(json::parse(kAnswer));
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->rules.size(), 2u);
  const AlertingRule& rule = list->rules[0];
  EXPECT_EQ(rule.name, "QueueDeep");
  EXPECT_EQ(rule.expression, "queue_depth > 90");
  EXPECT_EQ(rule.hold, Millis(4500));
  EXPECT_EQ(rule.labels, (LabelSet{{"severity", "page"}}));
  EXPECT_EQ(rule.annotations, (LabelSet{{"value", "{{ $value }}"}}));
  EXPECT_EQ(rule.group, "example");
  EXPECT_EQ(rule.file, "/etc/rules.yml");
  EXPECT_EQ(rule.health, "ok");
  ASSERT_EQ(rule.alerts.size(), 2u);
  EXPECT_EQ(rule.alerts[0].state, RuleAlertState::kFiring);
  EXPECT_EQ(rule.alerts[0].labels, (LabelSet{{"alertname", "QueueDeep"}, {"queue", "a"}}));
  EXPECT_EQ(rule.alerts[0].active_at, Timestamp::FromMillis(1'772'359'212'345));
  EXPECT_EQ(rule.alerts[1].state, RuleAlertState::kPending);
  EXPECT_EQ(list->rules[1].health, "err");
  EXPECT_EQ(list->rules[1].last_error, "many-to-many");
  EXPECT_EQ(list->rules_left_out, 0u);
  EXPECT_EQ(list->alerts_left_out, 0u);
}

TEST(RuleList, LeavesOutWhatIsBeyondALimit) {
  RuleListLimits limits;
  limits.rules_max = 1;
  limits.alerts_max = 1;
  const auto list = DecodeRuleList(json::parse(kAnswer), limits);
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->rules.size(), 1u);
  EXPECT_EQ(list->rules_left_out, 1u);
  EXPECT_EQ(list->rules[0].alerts.size(), 1u);
  EXPECT_EQ(list->alerts_left_out, 1u);
}

TEST(RuleList, OneOddRuleDoesNotHideTheOthers) {
  json data = json::parse(kAnswer);
  json& rules = data["groups"][0]["rules"];
  json odd = rules[0];
  odd["query"] = std::string(kExpressionBytesMax + 1, 'x');
  rules.push_back(odd);
  odd["query"] = 5;
  rules.push_back(odd);
  odd["query"] = "up";
  odd["labels"] = {{"a", 1}};
  rules.push_back(odd);
  odd["labels"] = {{"a", std::string(kLabelValueBytesMax + 1, 'x')}};
  rules.push_back(odd);
  odd["labels"] = nullptr;
  odd["duration"] = "soon";
  odd["alerts"] = json::array({5, {{"labels", json::object()}, {"state", "inactive"}}});
  rules.push_back(odd);
  rules.push_back("rule");
  data["groups"].push_back(5);
  data["groups"].push_back({{"name", "no rules"}});
  const auto list = DecodeRuleList(data);
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->rules.size(), 3u);
  EXPECT_EQ(list->rules_left_out, 4u);
  EXPECT_EQ(list->rules[2].hold, Millis(0));
  EXPECT_EQ(list->alerts_left_out, 2u);
}

TEST(RuleList, WhatIsNoListIsAnError) {
  for (const char* const text : {"null", "[]", "{}", R"({"groups":null})", R"({"groups":{}})"}) {
    EXPECT_THAT(DecodeRuleList(json::parse(text)), StatusIs(StatusCode::kUnavailable)) << text;
  }
  const auto none = DecodeRuleList(json::parse(R"({"groups":[]})"));
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->rules.empty());
}

}  // namespace
}  // namespace alertjoin
