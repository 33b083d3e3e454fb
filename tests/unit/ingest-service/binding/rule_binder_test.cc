#include "ingest-service/binding/rule_binder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RuleBinderTest : public ::testing::Test {
 protected:
  RuleBinderTest() { options_.sources = {{"main", "http://prometheus:9090", ""}}; }

  std::unique_ptr<RuleBinder> Binder() {
    auto binder = RuleBinder::Create(options_, registry_);
    EXPECT_THAT(binder, IsOk());
    return *std::move(binder);
  }

  // Source, name of each binding.
  std::vector<std::string> NamesFor(const TransitionEvent& event) {
    std::vector<std::string> names;
    for (const Binding& binding : Binder()->Bind(event)) {
      names.push_back(binding.query.source + "/" + binding.query.name);
    }
    return names;
  }

  static TransitionEvent Alert(const std::string& url, LabelSet labels = {{"alertname", "A"}}) {
    TransitionEvent event;
    event.generator_url = url;
    event.labels = std::move(labels);
    return event;
  }

  prometheus::Registry registry_;
  RuleBinderOptions options_;
};

TEST_F(RuleBinderTest, BindsTheObservedPartOfTheOwnExpression) {
  const auto bindings =
      Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=queue_depth+%3E+90&g0.tab=1"));
  ASSERT_EQ(bindings.size(), 1u);
  const Binding& own = bindings[0];
  EXPECT_EQ(own.query, (Query{"main", "queue_depth", "queue_depth", TimeKind::kSample}));
  EXPECT_EQ(own.query.time_kind, TimeKind::kSample);
  EXPECT_EQ(own.matching, Matching::kAgreement);
  EXPECT_THAT(own.on, IsEmpty());
  EXPECT_EQ(own.comparison_operator, ">");
  EXPECT_EQ(own.threshold, 90);
  EXPECT_EQ(own.tolerance, std::chrono::minutes(5));
}

TEST_F(RuleBinderTest, BindsAWholeExpressionAsEvaluated) {
  const auto bindings = Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=absent%28x%29"));
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].query.expression, "absent(x)");
  EXPECT_EQ(bindings[0].query.time_kind, TimeKind::kEvaluation);
  EXPECT_EQ(bindings[0].comparison_operator, "");
  EXPECT_EQ(bindings[0].threshold, std::nullopt);
}

TEST_F(RuleBinderTest, BindsEverySideThatDecides) {
  const std::string url =
      "http://prometheus:9090/graph?g0.expr=x+%3E+5+and+on(job)+y+%3C+3+unless+z";
  const auto bindings = Binder()->Bind(Alert(url, {{"alertname", "A"}, {"job", "api"}}));
  ASSERT_EQ(bindings.size(), 3u);
  EXPECT_EQ(bindings[0].query.expression, "x");
  EXPECT_EQ(bindings[0].comparison_operator, ">");
  EXPECT_EQ(bindings[0].matching, Matching::kAgreement);
  EXPECT_EQ(bindings[1].query.expression, "y");
  EXPECT_EQ(bindings[1].threshold, 3);
  EXPECT_EQ(bindings[1].matching, Matching::kOn);
  EXPECT_THAT(bindings[1].on, ElementsAre("job"));
  EXPECT_EQ(bindings[2].query.expression, "z");
  EXPECT_EQ(bindings[2].comparison_operator, "");
  // Without the label nothing would be equal on it.
  const auto relabelled = Binder()->Bind(Alert(url));
  ASSERT_EQ(relabelled.size(), 3u);
  EXPECT_EQ(relabelled[1].matching, Matching::kAgreement);
  EXPECT_THAT(relabelled[1].on, IsEmpty());
}

// What a source's rules are, for alerts named A.
std::shared_ptr<const RuleList> RulesNamedA(const std::vector<std::string>& expressions) {
  auto list = std::make_shared<RuleList>();
  for (const std::string& expression : expressions) {
    AlertingRule& rule = list->rules.emplace_back();
    rule.name = "A";
    rule.expression = expression;
  }
  return list;
}

TEST_F(RuleBinderTest, TheCatalogueKnowsTheRuleOfAnAlertWithoutAnExpression) {
  RuleCatalog catalog;
  options_.catalog = &catalog;
  const auto binder = Binder();
  EXPECT_THAT(binder->Bind(Alert("http://grafana/alerting/1")), IsEmpty());
  catalog.Publish("main", RulesNamedA({"x > 5 and y < 3"}));
  const auto bindings = binder->Bind(Alert("http://grafana/alerting/1"));
  ASSERT_EQ(bindings.size(), 2u);
  EXPECT_EQ(bindings[0].query.expression, "x");
  EXPECT_EQ(bindings[0].threshold, 5);
  EXPECT_EQ(bindings[1].query.expression, "y");
  EXPECT_THAT(binder->Bind(Alert("", {{"alertname", "B"}})), IsEmpty());
}

TEST_F(RuleBinderTest, RulesThatMayAllBeTheAlertsGiveNoOperator) {
  RuleCatalog catalog;
  options_.catalog = &catalog;
  catalog.Publish("main", RulesNamedA({"x > 5", "x > 9 and y < 3"}));
  const auto bindings = Binder()->Bind(Alert(""));
  ASSERT_EQ(bindings.size(), 2u);
  for (const Binding& binding : bindings) {
    EXPECT_EQ(binding.comparison_operator, "");
    EXPECT_EQ(binding.threshold, std::nullopt);
  }
  // The expression of the alert tells.
  const auto told = Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=x+%3E+5"));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].threshold, 5);
}

TEST_F(RuleBinderTest, AnExpressionThatTheCatalogueDoesNotKnowIsTheAlertsAllTheSame) {
  RuleCatalog catalog;
  options_.catalog = &catalog;
  catalog.Publish("main", RulesNamedA({"x > 5"}));
  const auto bindings = Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=x+%3E+7"));
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].threshold, 7);
}

TEST_F(RuleBinderTest, TheSourceThatHasTheRuleIsPreferred) {
  RuleCatalog catalog;
  options_.catalog = &catalog;
  options_.sources = {{"a", "http://a", ""}, {"b", "http://b", ""}, {"c", "http://c", ""}};
  catalog.Publish("a", RulesNamedA({"y > 5"}));
  catalog.Publish("b", RulesNamedA({"x > 5"}));
  EXPECT_THAT(NamesFor(Alert("http://unknown/graph?g0.expr=x+%3E+5")), ElementsAre("b/x"));
  // Where the alert says which it comes from, that is the one.
  EXPECT_THAT(NamesFor(Alert("http://c/graph?g0.expr=x+%3E+5")), ElementsAre("c/x"));
}

TEST_F(RuleBinderTest, TakesTheSourceThatTheAlertComesFrom) {
  options_.sources = {{"a", "http://10.0.0.1:9090", "https://prometheus.example"},
                      {"b", "http://10.0.0.2:9090/", ""}};
  EXPECT_THAT(NamesFor(Alert("https://Prometheus.Example:443/graph?g0.expr=up")),
              ElementsAre("a/up"));
  EXPECT_THAT(NamesFor(Alert("http://10.0.0.2:9090/graph?g0.expr=up")), ElementsAre("b/up"));
  EXPECT_THAT(NamesFor(Alert("http://unknown/graph?g0.expr=up")), ElementsAre("a/up", "b/up"));
}

TEST_F(RuleBinderTest, TellsSourcesOfOneHostByPath) {
  options_.sources = {
      {"root", "http://proxy", ""}, {"a", "http://proxy/a", ""}, {"ab", "http://proxy/ab/", ""}};
  EXPECT_THAT(NamesFor(Alert("http://proxy/a/graph?g0.expr=up")), ElementsAre("a/up"));
  EXPECT_THAT(NamesFor(Alert("http://proxy/ab/graph?g0.expr=up")), ElementsAre("ab/up"));
  EXPECT_THAT(NamesFor(Alert("http://proxy/graph?g0.expr=up")), ElementsAre("root/up"));
}

TEST_F(RuleBinderTest, TheOnlySourceIsTakenWhateverTheUrl) {
  EXPECT_THAT(NamesFor(Alert("http://elsewhere/graph?g0.expr=up")), ElementsAre("main/up"));
}

TEST_F(RuleBinderTest, AConfiguredQueryLendsItsNameToTheSameExpression) {
  options_.queries = {{"main", "depth", " (queue_depth) "}, {"other", "depth2", "queue_depth"}};
  const auto bindings =
      Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=queue_depth+%3E+90"));
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].query.name, "depth");
  EXPECT_EQ(bindings[0].query.expression, " (queue_depth) ");
  EXPECT_EQ(bindings[0].matching, Matching::kAgreement);
  EXPECT_EQ(bindings[0].threshold, 90);
}

TEST_F(RuleBinderTest, BindsTheQueryNamedAsTheAlert) {
  options_.queries = {{"main", "DiskFull", "disk_used"}, {"main", "Other", "other"}};
  const auto bindings = Binder()->Bind(Alert("", {{"alertname", "DiskFull"}}));
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].query.name, "DiskFull");
  EXPECT_EQ(bindings[0].matching, Matching::kOn);
  EXPECT_THAT(bindings[0].on, ElementsAre("instance", "job"));
  EXPECT_THAT(NamesFor(Alert("", {{"job", "x"}})), IsEmpty());
}

TEST_F(RuleBinderTest, BindsByRulesThatMatchTheLabels) {
  options_.queries = {{"main", "ratio", "a/b"}, {"main", "load", "node_load1"}};
  options_.rules = {
      {"severity=page", "ratio", "", {"job", "instance", "job"}, Millis(1000), true, true},
      {"severity=~\"pa.*\"", "ratio", "", {}, kDefaultTolerance, false, false},
      {"", "load", "main", {}, kDefaultTolerance, false, false}};
  const auto bindings = Binder()->Bind(Alert("", {{"alertname", "A"}, {"severity", "page"}}));
  ASSERT_EQ(bindings.size(), 2u);
  EXPECT_EQ(bindings[0].query.name, "ratio");
  EXPECT_EQ(bindings[0].query.time_kind, TimeKind::kEvaluation);
  EXPECT_THAT(bindings[0].on, ElementsAre("instance", "job"));
  EXPECT_EQ(bindings[0].tolerance, Millis(1000));
  EXPECT_TRUE(bindings[0].strict);
  EXPECT_TRUE(bindings[0].first_after);
  EXPECT_EQ(bindings[1].query.name, "load");
  EXPECT_THAT(NamesFor(Alert("", {{"severity", "ticket"}})), ElementsAre("main/load"));
}

TEST_F(RuleBinderTest, BindsEachQueryOnceAndTheFirstWins) {
  options_.queries = {{"main", "A", "queue_depth"}};
  options_.rules = {{"", "A", "", {"x"}, kDefaultTolerance, false, false}};
  const auto bindings =
      Binder()->Bind(Alert("http://prometheus:9090/graph?g0.expr=queue_depth+%3E+90"));
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].matching, Matching::kAgreement);
}

TEST_F(RuleBinderTest, ARuleReachesEverySourceWithTheQuery) {
  options_.sources = {{"a", "http://a", ""}, {"b", "http://b", ""}};
  options_.queries = {{"a", "up", "up"}, {"b", "up", "up"}};
  options_.rules = {{"x=1", "up", "", {}, kDefaultTolerance, false, false},
                    {"x=2", "up", "b", {}, kDefaultTolerance, false, false}};
  EXPECT_THAT(NamesFor(Alert("", {{"x", "1"}})), ElementsAre("a/up", "b/up"));
  EXPECT_THAT(NamesFor(Alert("", {{"x", "2"}})), ElementsAre("b/up"));
}

TEST_F(RuleBinderTest, RefusesRulesThatCannotWork) {
  options_.queries = {{"main", "up", "up"}};
  const BindingRule good = {"", "up", "", {}, kDefaultTolerance, false, false};
  const auto with = [&](BindingRule bad) {
    options_.rules = {good, std::move(bad)};
    return RuleBinder::Create(options_, registry_).status();
  };
  BindingRule bad = good;
  bad.matchers = "a=~\"(\"";
  EXPECT_THAT(with(bad), StatusIs(StatusCode::kInvalidArgument, "binding 2"));
  bad = good;
  bad.query = "down";
  EXPECT_THAT(with(bad), StatusIs(StatusCode::kInvalidArgument, "\"down\""));
  bad = good;
  bad.source = "nowhere";
  EXPECT_THAT(with(bad), StatusIs(StatusCode::kInvalidArgument, "\"nowhere\""));
  bad = good;
  bad.tolerance = Millis(-1);
  EXPECT_THAT(with(bad), StatusIs(StatusCode::kInvalidArgument, "tolerance"));
}

TEST_F(RuleBinderTest, LeavesOutExpressionsThatNoEventCanCarryAndCountsThem) {
  const std::string url = "http://prometheus:9090/graph?g0.expr=";
  EXPECT_THAT(NamesFor(Alert(url + std::string(kExpressionBytesMax + 1, 'a'))), IsEmpty());
  EXPECT_EQ(NamesFor(Alert(url + std::string(kExpressionBytesMax, 'a'))).size(), 1u);
  EXPECT_THAT(NamesFor(Alert(url + "%ff")), IsEmpty());
  EXPECT_THAT(NamesFor(Alert("not a url")), IsEmpty());
  const std::string metrics = prometheus::TextSerializer().Serialize(registry_.Collect());
  EXPECT_THAT(metrics, HasSubstr("expressions_refused_total{reason=\"too_long\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("expressions_refused_total{reason=\"not_utf8\"} 1"));
}

TEST_F(RuleBinderTest, WithoutASourceNothingIsBound) {
  options_.sources.clear();
  EXPECT_THAT(NamesFor(Alert("http://prometheus:9090/graph?g0.expr=up")), IsEmpty());
}

}  // namespace
}  // namespace alertjoin
