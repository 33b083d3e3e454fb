// What becomes of exact queries that are not answered, or answered with an error.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ingest-service/prometheus/exact_queries_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const LabelSet kA = {{"x", "a"}};

TEST_F(ExactQueriesTest, RetriesWithBackoffUntilItIsAnswered) {
  Fire(kNow - 20'000, {"sum(up)"});
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(h_.Waiting(), SizeIs(1)) << i;
    h_.AnswerNext("", 503);
    const Timestamp next = exact_.Step();
    ASSERT_GT(next, h_.clock.Now());
    ASSERT_LE(next, h_.clock.Now() + seconds(30));
    ASSERT_THAT(h_.Waiting(), IsEmpty());
    Advance(next - h_.clock.Now());
  }
  Answer("sum(up)", kNow - 20'000, VectorAnswer({{kA, "5"}}, kNow - 20'000));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_EQ(Count("failed"), 5);
}

TEST_F(ExactQueriesTest, AFullSpoolIsRetriedToo) {
  Fire(kNow - 20'000, {"sum(up)"});
  h_.sink.status = absl::ResourceExhaustedError("full");
  Answer("sum(up)", kNow - 20'000, VectorAnswer({{kA, "5"}}, kNow - 20'000));
  h_.sink.status = absl::OkStatus();
  Advance(seconds(1));
  Answer("sum(up)", kNow - 20'000, VectorAnswer({{kA, "5"}}, kNow - 20'000));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(ExactQueriesTest, GivesUpInTheEndAndSaysSo) {
  Fire(kNow, {"sum(up)"});
  int attempts = 0;
  while (exact_.pending() > 0 && attempts < 5'000) {
    while (!h_.transport.waiting.empty()) {
      ++attempts;
      h_.AnswerNext("", 503);
    }
    const Timestamp next = exact_.Step();
    if (next < Timestamp::Max()) Advance(next - h_.clock.Now());
  }
  EXPECT_GT(attempts, 6 * 120);
  EXPECT_LT(attempts, 6 * 300);
  EXPECT_GE(h_.clock.Now(), Timestamp::FromMillis(kNow) + hours(6));
  EXPECT_LE(h_.clock.Now(), Timestamp::FromMillis(kNow) + hours(6) + minutes(1));
  EXPECT_THAT(h_.sink.GapLines(),
              ElementsAre(HasSubstr(fmt::format("sum(up) {0}..{0} no exact query", kNow))));
  EXPECT_EQ(Count("gave_up"), 1);
}

TEST_F(ExactQueriesTest, DatesThatNeverComeToItAreNotWaitedForForEver) {
  h_.ahead_of_source = hours(24 * 365);
  Fire(kNow, {"sum(up)"});
  int attempts = 0;
  while (exact_.pending() > 0 && attempts < 5'000) {
    while (!h_.transport.waiting.empty()) {
      ++attempts;
      h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{kNow, "7"}}}}));
    }
    const Timestamp next = exact_.Step();
    if (next < Timestamp::Max()) Advance(next - h_.clock.Now());
  }
  EXPECT_GE(h_.clock.Now(), Timestamp::FromMillis(kNow) + hours(6));
  EXPECT_LE(h_.clock.Now(), Timestamp::FromMillis(kNow) + hours(6) + minutes(6));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  EXPECT_THAT(h_.sink.GapLines(), ElementsAre(HasSubstr("has not come to it")));
}

TEST_F(ExactQueriesTest, AFaultyQueryIsGivenUpAtOnce) {
  Fire(kNow - 20'000, {"sum(up"});
  h_.AnswerNext(ErrorAnswer("bad_data"), 400);
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_THAT(h_.sink.GapLines(), ElementsAre(HasSubstr("bad_data")));
}

// Many servers call trouble of their own so.
TEST_F(ExactQueriesTest, WhatCouldNotBeEvaluatedIsAskedAgain) {
  Fire(kNow - 20'000, {"sum(up)"});
  h_.AnswerNext(ErrorAnswer("execution"), 422);
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  Advance(seconds(2));
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{kNow - 20'000, "7"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{}} {} 7", kNow - 20'000)));
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactQueriesTest, WhatCanNeverBeEvaluatedIsGivenUpAfterSomeTries) {
  Fire(kNow - 20'000, {"sum(up)"});
  int asked = 0;
  while (exact_.pending() > 0 && h_.clock.Now() < Timestamp::FromMillis(kNow) + hours(1)) {
    for (; !h_.transport.waiting.empty(); ++asked) h_.AnswerNext(ErrorAnswer("execution"), 422);
    Advance(seconds(1));
  }
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_THAT(h_.sink.GapLines(), ElementsAre(HasSubstr("execution")));
  EXPECT_EQ(asked, 13);
  EXPECT_GE(h_.clock.Now(), Timestamp::FromMillis(kNow) + minutes(15));
}

TEST_F(ExactQueriesTest, WhatAnAnswerLacksIsAskedForAgainUntilItIsThere) {
  Fire(kNow - 20'000, {"sum(up)"});
  for (int i = 0; i < 5; ++i) {
    h_.AnswerNext(MatrixAnswer({}, "a store is down"));
    EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
    Advance(minutes(1));
  }
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{kNow - 20'000, "7"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{}} {} 7", kNow - 20'000)));
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactQueriesTest, WhatAnswersLackForTooLongIsAGap) {
  Fire(kNow - 20'000, {"sum(up)"});
  while (exact_.pending() > 0 && h_.clock.Now() < Timestamp::FromMillis(kNow) + hours(1)) {
    while (!h_.transport.waiting.empty()) h_.AnswerNext(MatrixAnswer({}, "a store is down"));
    Advance(seconds(10));
  }
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_THAT(h_.sink.GapLines(), ElementsAre(HasSubstr("lacked something")));
}

TEST_F(ExactQueriesTest, WhatTheEvaluationLeavesOutIsNotAskedForAgain) {
  Fire(kNow - 20'000, {"sum(up)"});
  h_.AnswerNext(MatrixAnswer({}, "PromQL warning: mixed floats and histograms"));
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
}

TEST_F(ExactQueriesTest, ARefusalIsToldOnceAndTakenBackByAnAnswer) {
  for (int i = 0; i < 3; ++i) {
    Fire(kNow - 20'000 - i, {"sum(up"});
    h_.AnswerNext(ErrorAnswer("bad_data"), 400);
  }
  EXPECT_THAT(h_.sink.ErrorLines(), ElementsAre("sum(up: p: bad_data: why"));
  // Another reason is news.
  Fire(kNow - 30'000, {"sum(up"});
  h_.AnswerNext(ErrorAnswer("execution"), 422);
  EXPECT_THAT(h_.sink.ErrorLines(), SizeIs(2));
  Fire(kNow - 40'000, {"sum(up"});
  h_.AnswerNext(MatrixAnswer({}));
  EXPECT_THAT(h_.sink.ErrorLines(),
              ElementsAre(HasSubstr("bad_data"), HasSubstr("execution"), "sum(up: "));
}

TEST_F(ExactQueriesTest, ARefusalThatTheSpoolDidNotTakeIsToldAgain) {
  h_.sink.status = absl::ResourceExhaustedError("full");
  Fire(kNow - 20'000, {"sum(up"});
  h_.AnswerNext(ErrorAnswer("bad_data"), 400);
  h_.sink.status = absl::OkStatus();
  Fire(kNow - 21'000, {"sum(up"});
  h_.AnswerNext(ErrorAnswer("bad_data"), 400);
  EXPECT_THAT(h_.sink.ErrorLines(), SizeIs(1));
}

TEST_F(ExactQueriesTest, AFaultOfTheSourceIsNoRefusal) {
  Fire(kNow - 20'000, {"sum(up)"});
  h_.AnswerNext("", 503);
  EXPECT_THAT(h_.sink.ErrorLines(), IsEmpty());
}

TEST_F(ExactQueriesTest, WhileAQueryFailsOneTryOfItIsMadeAtATime) {
  for (int i = 0; i < 20; ++i) Fire(kNow - 20'000 - i, {"sum(slow)"});
  EXPECT_THAT(h_.Waiting(), SizeIs(4));
  while (!h_.transport.waiting.empty()) h_.FailNext(absl::DeadlineExceededError("slow"));
  exact_.Step();
  Advance(seconds(31));
  EXPECT_THAT(h_.Waiting(), SizeIs(1));
  // Others have the source's slots for themselves.
  for (int i = 0; i < 4; ++i) Fire(kNow - 20'000 - i, {"sum(quick)"});
  EXPECT_THAT(h_.Waiting(), SizeIs(1 + 4));
  // It is well again: all come at once.
  h_.AnswerNext(MatrixAnswer({}));
  while (h_.transport.waiting.size() < 4 + 4) {
    const size_t waiting = h_.transport.waiting.size();
    exact_.Step();
    ASSERT_GT(h_.transport.waiting.size(), waiting);
  }
  while (!h_.transport.waiting.empty()) {
    h_.AnswerNext(MatrixAnswer({}));
    exact_.Step();
  }
  EXPECT_EQ(exact_.pending(), 0u);
}

// Its source has another address now.
TEST_F(ExactQueriesTest, WhatWasNotAnsweredCanBeAskedElsewhere) {
  source_.settle_delay = seconds(10);
  Fire(kNow - 20'000, {"up"});
  Fire(kNow - 30'000, {"sum(up)"});
  Resolve(kNow - 40'000, {"absent(up)"});
  h_.AnswerNext("", 503);
  const TransitionEvent last = Transition(AlertState::kFiring, kNow - 25'000, {"sum(up)"});
  exact_.OnTransitions({&last, 1});  // In the inbox still.
  h_.transport.waiting.clear();

  ExactQueries other({h_.caches, h_.sink, h_.executor, h_.clock, h_.metrics}, {});
  other.AddSource(source_, client_);
  other.Ask(exact_.Unanswered());
  other.Step();
  EXPECT_EQ(other.pending(), 4u);
  EXPECT_THAT(h_.Waiting(),
              testing::UnorderedElementsAre(fmt::format("up[5m1s] @ {}", kNow - 20'000),
                                            fmt::format("up @ {}", kNow - 20'000),
                                            fmt::format("sum(up) @ {}", kNow - 30'000),
                                            fmt::format("sum(up) @ {}", kNow - 25'000),
                                            fmt::format("absent(up) @ {}", kNow - 40'000)));
  // What the alert that resolved had is looked up as ever.
  size_t asked = 0;
  for (; !h_.transport.waiting.empty(); ++asked) {
    h_.AnswerNext(MatrixAnswer({}));
    other.Step();
  }
  EXPECT_EQ(asked, 5u + 1u);
  EXPECT_EQ(other.pending(), 0u);
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
}

TEST_F(ExactQueriesTest, WhatNobodyWillAskIsAGap) {
  Fire(kNow - 20'000, {"up", "sum(up)"});
  Resolve(kNow - 20'000, {"sum(up)"});
  exact_.GiveUpUnanswered("the source is gone");
  EXPECT_THAT(h_.sink.GapLines(),
              testing::UnorderedElementsAre(
                  HasSubstr(fmt::format("up {0}..{0} no exact query", kNow - 20'000)),
                  HasSubstr(fmt::format("sum(up) {0}..{0} no exact query", kNow - 20'000))));
  EXPECT_EQ(Count("gave_up"), 2);
}

TEST_F(ExactQueriesTest, AFailingQueryDelaysNoOther) {
  for (int i = 0; i < 20; ++i) Fire(kNow - 20'000 - i, {"slow"});
  for (int i = 0; i < 4; ++i) Fire(kNow - 20'000 - i, {"sum(quick)"});
  // The slow one holds its own slots only: 4 of two calls each.
  std::vector<std::string> quick;
  for (const std::string& waiting : h_.Waiting()) {
    if (waiting.find("quick") != std::string::npos) quick.push_back(waiting);
  }
  EXPECT_THAT(quick, SizeIs(4));
  EXPECT_THAT(h_.Waiting(), SizeIs(4 * 2 + 4));
}

}  // namespace
}  // namespace alertjoin
