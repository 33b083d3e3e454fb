#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "ingest-service/reconcile/active_alerts.h"
#include "ingest-service/reconcile/evaluated_rules.h"
#include "ingest-service/reconcile/found_transition.h"
#include "ingest-service/reconcile/reconcile_state.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

nlohmann::json Json(const char* text) { return nlohmann::json::parse(text); }

// As Prometheus 2.42 gives it.
constexpr char kAlerts[] = R"({"alerts":[
  {"labels":{"alertname":"A","severity":"page"},"annotations":{"v":"1"},"state":"firing",
   "activeAt":"2026-11-21T18:55:10.972535363Z","value":"1e+00"},
  {"labels":{"alertname":"B"},"annotations":{},"state":"pending",
   "activeAt":"2026-11-21T18:55:11Z","value":"NaN"}]})";

constexpr char kRules[] = R"({"groups":[
  {"name":"g","file":"r.yml","interval":1,"limit":0,"evaluationTime":0.2,"rules":[
    {"state":"firing","name":"A","query":"x > 1","duration":3,"labels":{"severity":"page"},
     "annotations":{},"alerts":[],"health":"ok","type":"alerting"},
    {"state":"firing","name":"A","query":"x > 2","duration":0,"labels":{"severity":"ticket"},
     "type":"alerting"},
    {"name":"r","query":"x","type":"recording"}]},
  {"name":"h","interval":15.5,"evaluationTime":7,"rules":[
    {"name":"A","query":"x > 3","duration":60,"labels":{"team":"{{ $labels.team }}"},"type":"alerting"},
    {"name":17,"type":"alerting"}, "odd"]},
  {"name":"only records","interval":0.25,"evaluationTime":9,"rules":[{"name":"r","query":"x","type":"recording"}]}]})";

TEST(ActiveAlerts, AreDecodedAndRemembered) {
  auto answer = DecodeActiveAlerts(Json(kAlerts));
  ASSERT_THAT(answer, IsOk());
  ActiveAlerts active;
  active.Take(*std::move(answer), At(1'000));
  EXPECT_EQ(active.firing(), 1u);
  EXPECT_EQ(active.pending(), 1u);
  const LabelSet labels = {{"alertname", "A"}, {"severity", "page"}};
  ASSERT_NE(active.Find(labels), nullptr);
  EXPECT_EQ(active.Find(labels)->active_at, At(1795287310972));
  EXPECT_EQ(active.Find(labels)->annotations, (LabelSet{{"v", "1"}}));
  EXPECT_TRUE(active.Find(labels)->firing);
  EXPECT_FALSE(active.Find({{"alertname", "B"}})->firing);
  // Gone, and remembered for a while.
  active.Take({}, At(2'000));
  EXPECT_EQ(active.firing(), 0u);
  EXPECT_NE(active.Find(labels), nullptr);
  active.Take({}, At(2'000) + ActiveAlerts::kRemembered);
  EXPECT_EQ(active.Find(labels), nullptr);
}

TEST(ActiveAlerts, WhatIsBeyondALimitIsLeftOutWhatIsOddIsAnError) {
  nlohmann::json data = Json(kAlerts);
  data["alerts"][0]["labels"]["long"] = std::string(5'000, 'x');
  const auto answer = DecodeActiveAlerts(data);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->left_out, 1u);
  EXPECT_EQ(answer->alerts.size(), 1u);
  data = Json(kAlerts);
  data["alerts"][1]["activeAt"] = "soon";
  EXPECT_THAT(DecodeActiveAlerts(data),
              StatusIs(absl::StatusCode::kUnavailable, "alerts[1].activeAt"));
  EXPECT_THAT(DecodeActiveAlerts(Json("[]")), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(ActiveAlerts, ThereIsALimit) {
  nlohmann::json data = {{"alerts", nlohmann::json::array()}};
  for (size_t i = 0; i < kActiveAlertsMax + 2; ++i) {
    data["alerts"].push_back({{"labels", {{"n", std::to_string(i)}}},
                              {"state", "firing"},
                              {"activeAt", "2026-11-21T18:55:11Z"}});
  }
  const auto answer = DecodeActiveAlerts(data);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->alerts.size(), kActiveAlertsMax);
  EXPECT_EQ(answer->left_out, 2u);
}

TEST(EvaluatedRules, TheRuleOfAnAlertIsFoundByItsLabels) {
  const auto rules = EvaluatedRules::Decode(Json(kRules));
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(rules->size(), 3u);
  EXPECT_EQ(rules->ShortestInterval(), Millis(1'000));
  EXPECT_EQ(rules->LongestInterval(), Millis(15'500));
  EXPECT_EQ(rules->longest_evaluation(), Millis(7'000));
  const auto expression = [&rules](const LabelSet& labels) {
    const EvaluatedRule* const rule = rules->Find(labels);
    return rule == nullptr ? "none" : rule->expression;
  };
  EXPECT_EQ(expression({{"alertname", "A"}, {"severity", "page"}}), "x > 1");
  EXPECT_EQ(expression({{"alertname", "A"}, {"severity", "ticket"}}), "x > 2");
  EXPECT_EQ(expression({{"alertname", "A"}, {"team", "x"}}), "x > 3");
  EXPECT_EQ(expression({{"alertname", "r"}}), "none");
  const EvaluatedRule* const rule = rules->Find({{"alertname", "A"}, {"severity", "page"}});
  EXPECT_EQ(rule->hold, Millis(3'000));
  EXPECT_EQ(rules->Find({{"alertname", "A"}})->interval, Millis(15'500));
  EXPECT_EQ(EvaluatedRules().ShortestInterval(), std::nullopt);
  EXPECT_EQ(EvaluatedRules().LongestInterval(), std::nullopt);
  EXPECT_THAT(EvaluatedRules::Decode(Json("{}")), StatusIs(absl::StatusCode::kUnavailable));
}

class FoundTransition : public ::testing::Test {
 protected:
  absl::StatusOr<TransitionEvent> Make(const FiringChange& change) {
    return MakeFoundTransition(change, {source_, url_, labelling_, rules_, active_, At(99'000)});
  }
  static FiringChange Change(FiringChange::Kind kind) {
    FiringChange change;
    change.kind = kind;
    change.labels = {{"alertname", "A"}, {"severity", "page"}};
    change.starts_at = At(10'972);
    change.active_at = At(7'972);
    change.ends_at = At(20'972);
    return change;
  }

  const std::string source_ = "alertmanager";
  std::string url_ = "http://prometheus.example/base/";
  AlertLabelling labelling_ = *AlertLabelling::Parse(
      "global: {external_labels: {cluster: east}}\n"
      "alerting: {alert_relabel_configs: [{source_labels: [team], regex: silent, action: drop}]}",
      "2.42.0");
  EvaluatedRules rules_ = *EvaluatedRules::Decode(Json(kRules));
  ActiveAlerts active_;
};

TEST_F(FoundTransition, LooksAsIfItHadBeenSent) {
  active_.Take(*DecodeActiveAlerts(Json(kAlerts)), At(1'000));
  const auto event = Make(Change(FiringChange::Kind::kStarted));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->labels,
            (LabelSet{{"alertname", "A"}, {"cluster", "east"}, {"severity", "page"}}));
  EXPECT_EQ(event->fingerprint, event->labels.FingerprintHex());
  EXPECT_EQ(event->source, "alertmanager");
  EXPECT_EQ(event->state, AlertState::kFiring);
  EXPECT_EQ(event->starts_at, At(10'972));
  EXPECT_EQ(event->active_at, At(7'972));
  EXPECT_EQ(event->ends_at, std::nullopt);
  EXPECT_EQ(event->received_time, At(99'000));
  EXPECT_EQ(event->origin, Origin::kReconciliation);
  EXPECT_EQ(event->annotations, (LabelSet{{"v", "1"}}));
  EXPECT_EQ(event->generator_url,
            "http://prometheus.example/base/graph?g0.expr=x%20%3E%201&g0.tab=1");
}

TEST_F(FoundTransition, AnEndHasBothTimes) {
  const auto event = Make(Change(FiringChange::Kind::kEnded));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->state, AlertState::kResolved);
  EXPECT_EQ(event->starts_at, At(10'972));
  EXPECT_EQ(event->ends_at, At(20'972));
  EXPECT_EQ(event->active_at, std::nullopt);
}

TEST_F(FoundTransition, EvaluationsAreLaterThanTheirSamplesByTheQueryOffset) {
  labelling_ = *AlertLabelling::Parse("global: {rule_query_offset: 5s}", "3.0.0");
  EXPECT_EQ(Make(Change(FiringChange::Kind::kStarted))->starts_at, At(15'972));
  EXPECT_EQ(Make(Change(FiringChange::Kind::kStarted))->active_at, At(12'972));
  EXPECT_EQ(Make(Change(FiringChange::Kind::kEnded))->ends_at, At(25'972));
}

TEST_F(FoundTransition, WhatIsNeverSentOrBreaksARuleIsRefused) {
  FiringChange change = Change(FiringChange::Kind::kStarted);
  change.labels = {{"alertname", "A"}, {"team", "silent"}};
  EXPECT_THAT(Make(change), StatusIs(absl::StatusCode::kNotFound));
  const std::string longest(5'000, 'x');
  change.labels = {{"alertname", longest}};
  EXPECT_THAT(Make(change), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ReconcileState, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/reconcile.json";
  EXPECT_TRUE(ReadReconcileState(path)->empty());
  ASSERT_THAT(WriteReconcileState(path, {{"a \"b\"", At(12)}, {"c", At(-5)}}), IsOk());
  ASSERT_THAT(WriteReconcileState(path, {{"a \"b\"", At(13)}, {"c", At(-5)}}), IsOk());
  const auto state = ReadReconcileState(path);
  ASSERT_THAT(state, IsOk());
  EXPECT_THAT(*state, UnorderedElementsAre(Pair("a \"b\"", At(13)), Pair("c", At(-5))));
}

TEST(ReconcileState, DamageIsTold) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/reconcile.json";
  for (const char* const text :
       {"", "{}", "{\"version\":2,\"read_through_ms\":{}}",
        "{\"version\":1,\"read_through_ms\":{\"a\":\"b\"}}",
        "{\"version\":1,\"read_through_ms\":{\"a\":9223372036854775807}}"}) {
    std::ofstream(path) << text;
    EXPECT_THAT(ReadReconcileState(path), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
  EXPECT_THAT(WriteReconcileState(folder.path() + "/none/x", {}),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace alertjoin
