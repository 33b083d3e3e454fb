#include "ingest-service/prometheus/poll_schedule.h"

#include <gtest/gtest.h>

#include <set>

#include "ingest-service/prometheus/source_backoff.h"

namespace alertjoin {
namespace {

using std::chrono::minutes;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }
constexpr Timestamp kNever = Timestamp::Min();

TEST(PollSchedule, IsAlignedToItsPhaseWhateverThePollsTake) {
  PollSchedule schedule(Millis(1000), Millis(300), At(10'050));
  EXPECT_EQ(schedule.NextDue(), At(10'300));
  EXPECT_FALSE(schedule.Step(At(10'299), kNever).poll);
  EXPECT_TRUE(schedule.Step(At(10'310), kNever).poll);
  EXPECT_FALSE(schedule.Step(At(10'320), kNever).poll);
  schedule.OnFinished(std::nullopt);
  EXPECT_EQ(schedule.NextDue(), At(11'300));
  EXPECT_FALSE(schedule.Step(At(11'299), kNever).poll);
  EXPECT_TRUE(schedule.Step(At(11'300), kNever).poll);
}

TEST(PollSchedule, BeginsAtOnceWhenDueAtThatMoment) {
  PollSchedule schedule(Millis(1000), Millis(300), At(10'300));
  EXPECT_TRUE(schedule.Step(At(10'300), kNever).poll);
}

TEST(PollSchedule, SkipsAndCountsWhileAPollRuns) {
  PollSchedule schedule(Millis(1000), Millis(0), At(0));
  ASSERT_TRUE(schedule.Step(At(0), kNever).poll);
  EXPECT_EQ(schedule.Step(At(1000), kNever).skipped_running, 1u);
  EXPECT_EQ(schedule.Step(At(1500), kNever).skipped_running, 0u);
  EXPECT_EQ(schedule.Step(At(3500), kNever).skipped_running, 2u);
  schedule.OnFinished(std::nullopt);
  const auto decision = schedule.Step(At(3600), kNever);
  EXPECT_FALSE(decision.poll);
  EXPECT_TRUE(schedule.Step(At(4000), kNever).poll);
}

TEST(PollSchedule, ALateStepPollsOnceAndCountsTheRest) {
  PollSchedule schedule(Millis(1000), Millis(0), At(1));
  const auto decision = schedule.Step(At(5500), kNever);
  EXPECT_TRUE(decision.poll);
  EXPECT_EQ(decision.skipped_late, 4u);
  EXPECT_EQ(schedule.NextDue(), At(6000));
}

TEST(PollSchedule, AfterAFailureTriesAgainWhenTold) {
  PollSchedule schedule(Millis(10'000), Millis(0), At(0));
  ASSERT_TRUE(schedule.Step(At(0), kNever).poll);
  schedule.OnFinished(At(700));
  EXPECT_EQ(schedule.NextDue(), At(700));
  EXPECT_FALSE(schedule.Step(At(699), kNever).poll);
  EXPECT_TRUE(schedule.Step(At(700), kNever).poll);
  schedule.OnFinished(std::nullopt);
  EXPECT_EQ(schedule.NextDue(), At(10'000));
}

TEST(PollSchedule, ALongWaitAfterAFailureSkipsDueTimes) {
  PollSchedule schedule(Millis(1000), Millis(0), At(0));
  ASSERT_TRUE(schedule.Step(At(0), kNever).poll);
  schedule.OnFinished(At(2500));
  EXPECT_EQ(schedule.Step(At(1000), kNever).skipped_backoff, 1u);
  EXPECT_EQ(schedule.Step(At(2000), kNever).skipped_backoff, 1u);
  EXPECT_TRUE(schedule.Step(At(2500), kNever).poll);
}

TEST(PollSchedule, ABlockedSourceIsAskedAsSoonAsItMayBe) {
  PollSchedule schedule(Millis(1000), Millis(0), At(0));
  const auto decision = schedule.Step(At(0), At(5500));
  EXPECT_FALSE(decision.poll);
  EXPECT_EQ(decision.skipped_backoff, 1u);
  EXPECT_FALSE(schedule.Step(At(5499), At(5500)).poll);
  EXPECT_TRUE(schedule.Step(At(5500), At(5500)).poll);
}

TEST(PollSchedule, FollowsAClockThatIsSetBack) {
  PollSchedule schedule(Millis(1000), Millis(0), At(100'000'000));
  ASSERT_TRUE(schedule.Step(At(100'000'000), kNever).poll);
  schedule.OnFinished(At(100'030'000));
  EXPECT_FALSE(schedule.Step(At(50'000), kNever).poll);
  EXPECT_EQ(schedule.NextDue(), At(50'000 + 1000));
  EXPECT_TRUE(schedule.Step(At(50'000) + kRetryCap, kNever).poll);
}

TEST(PollSchedule, PhasesAreStableWithinTheIntervalAndSpread) {
  std::set<Millis> phases;
  for (uint64_t hash = 0; hash < 100; ++hash) {
    const Millis phase = StablePhase(Millis(15'000), hash * 0x9e3779b97f4a7c15);
    EXPECT_GE(phase, Millis(0));
    EXPECT_LT(phase, Millis(15'000));
    phases.insert(phase);
  }
  EXPECT_GT(phases.size(), 90u);
}

TEST(SourceBackoff, GrowsWithEachFailureThatFollowsUpToTheCap) {
  SourceBackoff backoff(Millis(1000), minutes(1), 7);
  Timestamp now = At(0);
  EXPECT_EQ(backoff.BlockedUntil(now), Timestamp::Min());
  Millis longest{0};
  for (int i = 0; i < 12; ++i) {
    const Timestamp retry = backoff.OnFailure(now, now);
    EXPECT_EQ(backoff.BlockedUntil(now), retry);
    const Millis wait = retry - now;
    EXPECT_GE(wait, Millis(500));
    EXPECT_LE(wait, Millis(minutes(1)));
    if (i == 0) {
      EXPECT_LE(wait, Millis(1000));
    }
    longest = std::max(longest, wait);
    now = retry;
  }
  EXPECT_GE(longest, Millis(minutes(1)) / 2);
}

TEST(SourceBackoff, QueriesThatFailTogetherCountOnce) {
  SourceBackoff backoff(Millis(1000), minutes(1), 7);
  const Timestamp retry = backoff.OnFailure(At(0), At(100));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(backoff.OnFailure(At(50), At(101)), retry);
}

TEST(SourceBackoff, ASuccessEndsItUnlessItIsOlder) {
  SourceBackoff backoff(Millis(1000), minutes(1), 7);
  backoff.OnFailure(At(100), At(200));
  backoff.OnSuccess(At(150));
  EXPECT_GT(backoff.BlockedUntil(At(200)), At(200));
  backoff.OnSuccess(At(200));
  EXPECT_EQ(backoff.BlockedUntil(At(200)), Timestamp::Min());
}

TEST(SourceBackoff, AClockThatIsSetBackEndsIt) {
  SourceBackoff backoff(Millis(1000), minutes(1), 7);
  backoff.OnFailure(At(1'000'000), At(1'000'000));
  EXPECT_EQ(backoff.BlockedUntil(At(5)), Timestamp::Min());
}

}  // namespace
}  // namespace alertjoin
