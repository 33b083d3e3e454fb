#include "ingest-service/rules/rule_refresher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NoSink final : public LearntQuerySink {
  void SetLearntQueries(const std::string&, std::vector<std::string>) override {}
};

std::string Answer(const std::string& expression) {
  return R"({"status":"success","data":{"groups":[{"name":"g","rules":[
      {"type":"alerting","name":"A","query":")" +
         expression + R"("}]}]}})";
}

class RuleRefresherTest : public ::testing::Test {
 protected:
  RuleRefresherTest() {
    sources_.resize(2);
    sources_[0].name = "p";
    sources_[1].name = "q";
    polls_ = std::make_unique<LearntPolls>(sources_,
                                           LearntPolls::Environment{sink_, h_.clock, h_.registry});
    refresher_ = std::make_unique<RuleRefresher>(
        RuleRefresher::Environment{catalog_, *polls_, h_.executor, h_.clock, h_.registry});
    refresher_->AddSource(sources_[0], p_);
    refresher_->AddSource(sources_[1], q_);
  }

  std::string ExpressionOf(const std::string& source) {
    const auto rules = catalog_.RulesOf(source);
    return rules == nullptr ? "unknown" : rules->rules.at(0).expression;
  }
  double Refreshes(const std::string& outcome) {
    return h_.Counter("alertjoin_rules_refreshes_total", {{"source", "p"}, {"outcome", outcome}});
  }

  QueryHarness h_{Timestamp::FromMillis(1'700'000'000'000)};
  RuleCatalog catalog_;
  NoSink sink_;
  std::vector<MetricsSourceOptions> sources_;
  PrometheusClient p_{{"p", "http://p/", seconds(10), {}}, h_.transport};
  PrometheusClient q_{{"q", "http://q", seconds(10), {}}, h_.transport};
  std::unique_ptr<LearntPolls> polls_;
  std::unique_ptr<RuleRefresher> refresher_;
};

TEST_F(RuleRefresherTest, ReadsAtOnceAndThenAtTheInterval) {
  refresher_->Step();
  ASSERT_THAT(h_.transport.waiting, SizeIs(2));
  EXPECT_EQ(h_.transport.waiting[0].call.url, "http://p/api/v1/rules?type=alert");
  EXPECT_EQ(h_.transport.waiting[0].call.form, std::nullopt);
  h_.AnswerNext(Answer("a > 1"));
  EXPECT_EQ(ExpressionOf("p"), "a > 1");
  EXPECT_EQ(ExpressionOf("q"), "unknown");
  // The other one has not answered, which holds nothing up.
  EXPECT_EQ(refresher_->Step(), h_.clock.Now() + seconds(60));
  h_.clock.Advance(seconds(60));
  refresher_->Step();
  ASSERT_THAT(h_.transport.waiting, SizeIs(2));
  h_.AnswerNext(Answer("b > 1"));
  h_.AnswerNext(Answer("a > 2"));
  EXPECT_EQ(ExpressionOf("p"), "a > 2");
  EXPECT_EQ(ExpressionOf("q"), "b > 1");
  EXPECT_EQ(Refreshes("ok"), 2);
}

TEST_F(RuleRefresherTest, AFailureKeepsTheOldRulesAndIsTriedAgainSooner) {
  refresher_->Step();
  h_.AnswerNext(Answer("a > 1"));
  h_.AnswerNext(Answer("b > 1"));
  h_.clock.Advance(seconds(60));
  refresher_->Step();
  h_.AnswerNext("<html>", 502);
  h_.AnswerNext(Answer("b > 1"));
  EXPECT_EQ(ExpressionOf("p"), "a > 1");
  EXPECT_EQ(Refreshes("failed"), 1);
  const Timestamp again = refresher_->Step();
  EXPECT_GT(again, h_.clock.Now());
  EXPECT_LE(again, h_.clock.Now() + seconds(1));
  h_.clock.Advance(seconds(1));
  refresher_->Step();
  ASSERT_THAT(h_.transport.waiting, SizeIs(1));
  h_.AnswerNext(R"({"status":"success","data":{"groups":"?"}})");
  EXPECT_EQ(Refreshes("failed"), 2);
  EXPECT_EQ(ExpressionOf("p"), "a > 1");
  h_.clock.Advance(seconds(60));
  refresher_->Step();
  h_.AnswerNext(Answer("a > 3"));
  EXPECT_EQ(ExpressionOf("p"), "a > 3");
}

TEST_F(RuleRefresherTest, AClockThatIsSetBackDoesNotStopIt) {
  refresher_->Step();
  h_.AnswerNext(Answer("a > 1"));
  h_.AnswerNext(Answer("b > 1"));
  h_.clock.Advance(-std::chrono::hours(1));
  EXPECT_LE(refresher_->Step(), h_.clock.Now() + seconds(60));
  EXPECT_THAT(h_.transport.waiting, IsEmpty());
}

}  // namespace
}  // namespace alertjoin
