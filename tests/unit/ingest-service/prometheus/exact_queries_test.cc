#include "ingest-service/prometheus/exact_queries.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/ingest-service/prometheus/exact_queries_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const LabelSet kA = {{"x", "a"}};
const LabelSet kB = {{"x", "b"}};

// The event's only binding, changed.
Shared<Binding> Changed(const TransitionEvent& event, const std::function<void(Binding&)>& change) {
  Binding binding = *event.bindings.at(0);
  change(binding);
  return binding;
}

TEST_F(ExactQueriesTest, AsksASelectorAtOnceAndAgainWhenSettled) {
  Fire(kNow, {"up"});
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("up[5m1s] @ {}", kNow)));
  Answer("up[5m1s]", kNow, MatrixAnswer({{kA, {{kNow - 14'000, "1"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} 1", kNow - 14'000)));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());

  // A scrape in flight has committed an older time meanwhile.
  Advance(seconds(10) - Millis(1));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  Advance(Millis(1));
  EXPECT_THAT(h_.Waiting(),
              ElementsAre(fmt::format("up[5m1s] @ {}", kNow), fmt::format("up @ {}", kNow)));
  Answer("up[5m1s]", kNow, MatrixAnswer({{kA, {{kNow - 14'000, "1"}, {kNow - 10, "2"}}}}));
  Answer("up", kNow, VectorAnswer({{kA, "2"}}, kNow));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} 1", kNow - 14'000),
                                                 fmt::format("{{x=\"a\"}} {} 2", kNow - 10)));
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("up {}..{}", kNow - 301'000 + 1, kNow)));
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_EQ(Count("at_once"), 1);
  EXPECT_EQ(Count("settled"), 1);
}

TEST_F(ExactQueriesTest, ItHasSettledOnceTheSourcesOwnClockSaysSo) {
  h_.ahead_of_source = seconds(30);
  Fire(kNow - 20'000, {"up"});  // It shows ten seconds less.
  const auto answer = [this] {
    h_.AnswerNext(MatrixAnswer({{kA, {{kNow - 30'000, "1"}}}}));
    h_.AnswerNext(VectorAnswer({{kA, "1"}}, kNow - 20'000));
    exact_.Step();
  };
  answer();
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  Advance(seconds(15));
  EXPECT_THAT(h_.Waiting(), IsEmpty()) << "when it will be is known";
  Advance(seconds(6));
  answer();
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
  EXPECT_EQ(exact_.pending(), 0u);
}

// As a virtual machine that was asleep may see it.
TEST_F(ExactQueriesTest, AClockThatIsHoursAheadKeepsNoTransitionWaitingForHours) {
  h_.ahead_of_source = std::chrono::hours(3);
  Fire(kNow - 20'000, {"sum(up)"});
  h_.AnswerNext(MatrixAnswer({}));
  h_.ahead_of_source = Millis(0);
  Advance(std::chrono::minutes(5));
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{kNow - 20'000, "7"}}}}));
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(ExactQueriesTest, AsksAtThePendingStartToo) {
  TransitionEvent event = Transition(AlertState::kFiring, kNow, {"sum(up)"});
  event.active_at = Timestamp::FromMillis(kNow - 60'000);
  Tell(event);
  EXPECT_THAT(h_.Waiting(), UnorderedElementsAre(fmt::format("sum(up) @ {}", kNow),
                                                 fmt::format("sum(up) @ {}", kNow - 60'000)));
}

TEST_F(ExactQueriesTest, APendingStartThatIsTheStartIsAskedOnce) {
  TransitionEvent event = Transition(AlertState::kFiring, kNow, {"sum(up)"});
  event.active_at = event.starts_at;
  Tell(event);
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("sum(up) @ {}", kNow)));
  EXPECT_EQ(exact_.pending(), 1u);
}

TEST_F(ExactQueriesTest, AsksOnlyOnceWhenTheTimeHasSettledAlready) {
  Fire(kNow - 10'000, {"sum(up)"});
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("sum(up) @ {}", kNow - 10'000)));
  Answer("sum(up)", kNow - 10'000, VectorAnswer({{LabelSet{}, "5"}}, kNow - 10'000));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{}} {} 5", kNow - 10'000)));
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("sum(up) {0}..{0}", kNow - 10'000)));
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactQueriesTest, ASelectorSeriesWithoutAValueAtTheTimeIsStaleThere) {
  Resolve(kNow - 20'000, {"up"});
  Answer("up[5m1s]", kNow - 20'000,
         MatrixAnswer({{kA, {{kNow - 30'000, "1"}}}, {kB, {{kNow - 30'000, "1"}}}}));
  Answer("up", kNow - 20'000, VectorAnswer({{kB, "1"}}, kNow - 20'000));
  EXPECT_THAT(h_.sink.SampleLines(),
              ElementsAre(HasSubstr("a"), HasSubstr("b"),
                          fmt::format("{{x=\"a\"}} {} stale", kNow - 20'000)));
}

TEST_F(ExactQueriesTest, AnExpressionGoneAtTheTimeIsStaleAtOnceAndCorrectedWhenSettled) {
  Fire(kNow - 20'000, {"sum(up)"});
  Answer("sum(up)", kNow - 20'000, VectorAnswer({{kA, "5"}}, kNow - 20'000));
  h_.sink.Clear();
  Resolve(kNow, {"sum(up)"});
  Answer("sum(up)", kNow, VectorAnswer({}, kNow));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} stale", kNow)));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  Advance(seconds(10));
  Answer("sum(up)", kNow, VectorAnswer({{kA, "3"}}, kNow));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} stale", kNow),
                                                 fmt::format("{{x=\"a\"}} {} 3", kNow)));
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("sum(up) {0}..{0}", kNow)));
}

TEST_F(ExactQueriesTest, FindsTheSeriesOfAResolvedAlertAtItsStartWhenNothingIsKnown) {
  const int64_t time = kNow - 20'000;
  Resolve(time, {"absent(up)"});
  Answer("absent(up)", time, VectorAnswer({{kB, "1"}}, time));
  // The alert is x="a", so x="b" does not explain it.
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("absent(up) @ {}", time - 100'000)));
  EXPECT_THAT(h_.sink.events, IsEmpty());
  Answer("absent(up)", time - 100'000, VectorAnswer({{kA, "1"}}, time - 100'000));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} 1", time - 100'000),
                                                 fmt::format("{{x=\"b\"}} {} 1", time),
                                                 fmt::format("{{x=\"a\"}} {} stale", time)));
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("absent(up) {0}..{0}", time)));
  EXPECT_EQ(h_.sink.appends, 1u);
}

TEST_F(ExactQueriesTest, LooksNothingUpForFiringAlertsOrKnownSeries) {
  Fire(kNow - 20'000, {"absent(up)"});
  Answer("absent(up)", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  Resolve(kNow - 15'000, {"sum(up)"});
  Answer("sum(up)", kNow - 15'000, VectorAnswer({{LabelSet{}, "1"}}, kNow - 15'000));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  Resolve(kNow - 12'000, {"sum(up)"});
  Answer("sum(up)", kNow - 12'000, VectorAnswer({}, kNow - 12'000));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
}

TEST_F(ExactQueriesTest, APartialAnswerClaimsNothingAndMarksNothing) {
  Fire(kNow - 20'000, {"up"});
  h_.AnswerNext(MatrixAnswer({{kA, {{kNow - 30'000, "1"}}}}, "a store is down"));
  h_.AnswerNext(VectorAnswer({}, kNow - 20'000));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  EXPECT_EQ(Count("partial"), 1);
}

TEST_F(ExactQueriesTest, OneTransitionToldTwiceIsAskedOnce) {
  Fire(kNow - 20'000, {"sum(up)"});
  Fire(kNow - 20'000, {"sum(up)"});
  EXPECT_THAT(h_.Waiting(), SizeIs(1));
  Answer("sum(up)", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  Fire(kNow - 20'000, {"sum(up)"});
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactQueriesTest, AnAlertThatJoinsALaterWebhookIsLookedUpAllTheSame) {
  Fire(kNow - 20'000, {"absent(up)"});
  Answer("absent(up)", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  Resolve(kNow - 20'000, {"absent(up)"});
  Answer("absent(up)", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  Answer("absent(up)", kNow - 120'000, VectorAnswer({{kA, "1"}}, kNow - 120'000));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(2));
}

TEST_F(ExactQueriesTest, AWiderToleranceAsksForMore) {
  TransitionEvent event = Transition(AlertState::kFiring, kNow - 20'000, {"up"});
  event.bindings = {Changed(event, [](Binding& b) { b.tolerance = seconds(60); })};
  Tell(event);
  event.bindings = {Changed(event, [](Binding& b) { b.tolerance = seconds(120); })};
  Tell(event);
  Answer("up[1m1s]", kNow - 20'000, MatrixAnswer({}));
  Answer("up", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  Answer("up[2m1s]", kNow - 20'000, MatrixAnswer({}));
  Answer("up", kNow - 20'000, VectorAnswer({}, kNow - 20'000));
  EXPECT_EQ(exact_.pending(), 0u);
}

TEST_F(ExactQueriesTest, WaitsForATimeThatLiesAhead) {
  Fire(kNow + 3000, {"sum(up)"});
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  EXPECT_EQ(exact_.Step(), Timestamp::FromMillis(kNow + 3000));
  Advance(seconds(3));
  EXPECT_THAT(h_.Waiting(), SizeIs(1));
  Fire(kNow + 100 * 3'600'000, {"sum(up)"});
  EXPECT_EQ(exact_.pending(), 1u);
  EXPECT_EQ(Count("too_far_ahead"), 1);
}

TEST_F(ExactQueriesTest, UnknownSourcesAreCountedAndIgnored) {
  TransitionEvent event = Transition(AlertState::kFiring, kNow, {"up"});
  event.bindings = {Changed(event, [](Binding& b) { b.query.source = "elsewhere"; })};
  Tell(event);
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  EXPECT_EQ(Count("unknown_source", ""), 1);
}

TEST_F(ExactQueriesTest, ManyTransitionsOfOneQueryAreAllAnswered) {
  for (int i = 0; i < 100; ++i) Fire(kNow - 20'000 - i, {"sum(up)"});
  int answered = 0;
  while (!h_.transport.waiting.empty()) {
    ASSERT_LE(h_.transport.waiting.size(), 4u);
    // Some of them fail first.
    if (++answered % 7 == 0) {
      h_.AnswerNext("", 503);
      exact_.Step();
      Advance(seconds(31));
    } else {
      h_.AnswerNext(MatrixAnswer({}));
      exact_.Step();
    }
    if (h_.transport.waiting.empty()) Advance(seconds(31));
  }
  EXPECT_EQ(exact_.pending(), 0u);
  EXPECT_EQ(Count("settled"), 100);
}

class SmallExactQueriesTest : public ExactQueriesTest {
 protected:
  SmallExactQueriesTest() : ExactQueriesTest(Options()) {}
  static ExactQueriesOptions Options() {
    ExactQueriesOptions options;
    options.pending_max = 3;
    return options;
  }
};

TEST_F(SmallExactQueriesTest, RefusesCountsAndTellsBeyondTheBound) {
  Fire(kNow - 20'000, {"a", "b", "c", "d", "e"});
  EXPECT_EQ(exact_.pending(), 3u);
  EXPECT_EQ(Count("refused"), 2);
  EXPECT_THAT(h_.sink.GapLines(),
              ElementsAre(HasSubstr(fmt::format("d {0}..{0} no exact query", kNow - 20'000)),
                          HasSubstr(fmt::format("e {0}..{0} no exact query", kNow - 20'000))));
  // What follows is told together.
  Fire(kNow - 30'000, {"d"});
  Fire(kNow - 10'000, {"d"});
  EXPECT_THAT(h_.sink.GapLines(), SizeIs(2));
  EXPECT_EQ(exact_.Step(), h_.clock.Now() + seconds(10));
  Advance(seconds(10));
  EXPECT_THAT(h_.sink.GapLines(), SizeIs(3));
  EXPECT_THAT(h_.sink.GapLines(),
              Contains(HasSubstr(fmt::format("d {}..{} ", kNow - 30'000, kNow - 10'000))));
  while (!h_.transport.waiting.empty()) h_.AnswerNext(MatrixAnswer({}));
  EXPECT_EQ(exact_.pending(), 0u);
  Fire(kNow - 21'000, {"d"});
  EXPECT_EQ(exact_.pending(), 1u);
}

TEST(ExactTask, TellsTheSeriesOfAnAlert) {
  const ResolvedAlert agreement{
      {{"a", "1"}, {"b", "2"}, {"__name__", "x"}}, {}, Matching::kAgreement, {}};
  EXPECT_TRUE(BelongsTo(agreement, {}));
  EXPECT_TRUE(BelongsTo(agreement, {{"a", "1"}, {"c", "3"}, {"__name__", "y"}}));
  EXPECT_FALSE(BelongsTo(agreement, {{"a", "2"}}));
  const ResolvedAlert on{{{"a", "1"}, {"b", "2"}}, {}, Matching::kOn, {"a", "z"}};
  EXPECT_TRUE(BelongsTo(on, {{"a", "1"}, {"b", "9"}}));
  EXPECT_FALSE(BelongsTo(on, {{"a", "1"}, {"z", "9"}}));
  EXPECT_FALSE(BelongsTo(on, {{"b", "2"}}));
}

TEST(RecentlySettled, ForgetsTheOldest) {
  RecentlySettled settled(2);
  const Query query{"s", "q", "x", TimeKind::kSample};
  for (int64_t ms = 1; ms <= 3; ++ms) settled.Add(query, Timestamp::FromMillis(ms), Millis(ms));
  settled.Add(query, Timestamp::FromMillis(3), Millis(1));
  EXPECT_EQ(settled.WindowOf(query, Timestamp::FromMillis(1)), std::nullopt);
  EXPECT_EQ(settled.WindowOf(query, Timestamp::FromMillis(3)), Millis(3));
}

}  // namespace
}  // namespace alertjoin
