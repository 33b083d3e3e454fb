#include "ingest-service/rules/rule_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

AlertingRule Rule(std::string name, std::string expression, LabelSet labels = {}) {
  AlertingRule rule;
  rule.name = std::move(name);
  rule.expression = std::move(expression);
  rule.labels = std::move(labels);
  return rule;
}

class RuleCatalogTest : public ::testing::Test {
 protected:
  void Publish(std::vector<AlertingRule> rules) {
    auto list = std::make_shared<RuleList>();
    list->rules = std::move(rules);
    catalog_.Publish("p", list);
  }
  std::vector<std::string> For(const LabelSet& labels, std::string_view expression = "") {
    return catalog_.ExpressionsFor("p", labels, expression);
  }

  RuleCatalog catalog_;
};

TEST_F(RuleCatalogTest, KnowsNothingBeforeTheFirstList) {
  EXPECT_EQ(catalog_.RulesOf("p"), nullptr);
  EXPECT_THAT(For({{"alertname", "A"}}), IsEmpty());
  Publish({Rule("A", "a > 1")});
  EXPECT_EQ(catalog_.RulesOf("p")->rules.size(), 1u);
  EXPECT_EQ(catalog_.RulesOf("q"), nullptr);
  EXPECT_THAT(catalog_.ExpressionsFor("q", {{"alertname", "A"}}, ""), IsEmpty());
}

TEST_F(RuleCatalogTest, FindsByNameAndLabels) {
  Publish({Rule("A", "a > 1", {{"severity", "ticket"}}),
           Rule("A", "a > 2", {{"severity", "page"}, {"team", "{{ $labels.team }}"}}),
           Rule("B", "b > 1")});
  EXPECT_THAT(For({{"alertname", "A"}, {"severity", "page"}, {"team", "x"}}), ElementsAre("a > 2"));
  EXPECT_THAT(For({{"alertname", "A"}, {"severity", "ticket"}}), ElementsAre("a > 1"));
  EXPECT_THAT(For({{"alertname", "A"}, {"severity", "other"}}), IsEmpty());
  // Relabelling has taken the label away.
  EXPECT_THAT(For({{"alertname", "A"}}), ElementsAre("a > 1", "a > 2"));
  EXPECT_THAT(For({{"alertname", "C"}}), IsEmpty());
  EXPECT_THAT(For({{"job", "x"}}), IsEmpty());
}

TEST_F(RuleCatalogTest, TheExpressionTellsRulesOfOneNameApart) {
  Publish({Rule("A", "a > 1"), Rule("A", "a > 2"), Rule("A", "a > 2", {{"x", "y"}})});
  EXPECT_THAT(For({{"alertname", "A"}}), ElementsAre("a > 1", "a > 2"));
  EXPECT_THAT(For({{"alertname", "A"}}, "a > 2"), ElementsAre("a > 2"));
  EXPECT_THAT(For({{"alertname", "A"}}, "a > 3"), IsEmpty());
}

TEST_F(RuleCatalogTest, ANewListReplacesTheOldOneWhichItsReadersKeep) {
  Publish({Rule("A", "a > 1")});
  const RuleCatalog::Rules before = catalog_.RulesOf("p");
  Publish({Rule("A", "a > 5")});
  EXPECT_EQ(before->rules[0].expression, "a > 1");
  EXPECT_THAT(For({{"alertname", "A"}}), ElementsAre("a > 5"));
  catalog_.Forget("p");
  catalog_.Forget("p");
  EXPECT_EQ(catalog_.RulesOf("p"), nullptr);
}

}  // namespace
}  // namespace alertjoin
