// What exact queries find out of alerts that have resolved, before they say that all is known.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/rfc3339.h"
#include "tests/unit/ingest-service/prometheus/exact_queries_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Alerts that resolve together, each with a series of its own that only its start shows.
class ExactLookUpsTest : public ExactQueriesTest {
 protected:
  static constexpr int64_t kTime = kNow - 20'000;

  explicit ExactLookUpsTest(ExactQueriesOptions options = {}) : ExactQueriesTest(options) {}

  static LabelSet Series(int64_t i) { return {{"x", fmt::format("{}", i)}}; }
  static int64_t StartOf(int64_t i) { return kTime - 100'000 - i * 1'000; }

  // The starts are as many seconds apart from each other.
  void ResolveTogether(int64_t count, int64_t apart_s = 1) {
    std::vector<TransitionEvent> transitions;
    for (int64_t i = 0; i < count; ++i) {
      TransitionEvent event = Transition(AlertState::kResolved, kTime, {"absent(up)"});
      event.labels = Series(i);
      event.starts_at = Timestamp::FromMillis(StartOf(i * apart_s));
      transitions.push_back(std::move(event));
    }
    exact_.OnTransitions(transitions);
    h_.executor.RunAll();
    exact_.Step();
  }
  // What the source says: nothing but at the starts.
  void AnswerFirst() {
    ++asked_;
    const int64_t time = ParseRfc3339(h_.transport.waiting.front().parameters.at("time"))->millis();
    std::map<LabelSet, std::string> values;
    if (time != kTime) values[Series((StartOf(0) - time) / 1'000)] = "1";
    h_.AnswerNext(VectorAnswer(values, time));
    exact_.Step();
  }
  void AnswerAll() {
    while (!h_.transport.waiting.empty()) AnswerFirst();
  }
  size_t Markers() const {
    const auto lines = h_.sink.SampleLines();
    return static_cast<size_t>(std::ranges::count_if(lines, [](const std::string& line) {
      return line.ends_with(fmt::format(" {} stale", kTime));
    }));
  }

  size_t asked_ = 0;
};

TEST_F(ExactLookUpsTest, HoweverManyResolveTogetherAllAreLookedUpBeforeTheClaim) {
  ResolveTogether(100);
  while (!h_.transport.waiting.empty()) {
    ASSERT_LE(h_.transport.waiting.size(), 8u);
    EXPECT_TRUE(h_.sink.ProgressLines().empty() || Markers() == 100u);
    AnswerFirst();
  }
  EXPECT_EQ(Markers(), 100u);
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("absent(up) {0}..{0}", kTime)));
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactLookUpsTest, AStartThatManyHaveIsLookedUpOnce) {
  ResolveTogether(1'000, 0);
  AnswerAll();
  EXPECT_EQ(asked_, 2u);
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(ExactLookUpsTest, OneThatComesMeanwhileIsLookedUpBeforeTheClaim) {
  ResolveTogether(1);
  AnswerFirst();
  ResolveTogether(3);
  AnswerFirst();  // At the start of the first.
  EXPECT_EQ(Markers(), 1u);
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  AnswerAll();
  EXPECT_EQ(Markers(), 3u);
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(ExactLookUpsTest, WhileTheAnswerAtAStartLacksSomethingNothingIsClaimed) {
  ResolveTogether(1);
  AnswerFirst();
  h_.AnswerNext(MatrixAnswer({}, "a store is down"));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  Advance(minutes(1));
  AnswerAll();
  EXPECT_EQ(Markers(), 1u);
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(ExactLookUpsTest, WhatOneTryLackedForGoodTheNextDoesNotClaim) {
  ResolveTogether(9);
  AnswerFirst();
  h_.AnswerNext(MatrixAnswer({}, "PromQL warning: mixed floats and histograms"));
  AnswerAll();
  EXPECT_EQ(asked_, 10u);  // At the time in both tries, and at the eight other starts.
  EXPECT_EQ(Markers(), 8u);
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  EXPECT_EQ(exact_.pending(), 0u);
}

class FewExactLookUpsTest : public ExactLookUpsTest {
 protected:
  FewExactLookUpsTest() : ExactLookUpsTest(Options()) {}
  static ExactQueriesOptions Options() {
    ExactQueriesOptions options;
    options.resolved_max = 5;

    return options;
  }
};

TEST_F(FewExactLookUpsTest, BeyondTheBoundThereIsAGapAndNoClaim) {
  ResolveTogether(6);
  AnswerAll();
  EXPECT_EQ(Count("refused"), 1);
  EXPECT_EQ(Markers(), 5u);
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  EXPECT_THAT(h_.sink.GapLines(),
              ElementsAre(HasSubstr(fmt::format("absent(up) {0}..{0} ", kTime))));
  // There is room again.
  ResolveTogether(5);
  AnswerAll();
  EXPECT_EQ(Count("refused"), 1);
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

}  // namespace
}  // namespace alertjoin
