#include "ingest-service/reconcile/firing_runs.h"

#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using Meaning = FiringRuns::Meaning;

constexpr Millis kAway = std::chrono::minutes(4);

Timestamp At(int64_t s) { return Timestamp::FromMillis(s * 1'000); }

constexpr Timestamp kSeen = Timestamp::FromMillis(95'000);

// Finders 0 and 1 see the alert "f".
class FiringRunsTest : public ::testing::Test {
 protected:
  void Started(FiringRuns::Finder finder, std::optional<Timestamp> start) {
    runs_.OnStarted(finder, "f", {start, kSeen}, now_);
  }
  void Ended(FiringRuns::Finder finder, std::optional<Timestamp> start, int64_t end_s) {
    runs_.OnEnded(finder, "f", {start, kSeen}, At(end_s), now_);
  }
  void Read(FiringRuns::Finder finder, int64_t through_s) {
    runs_.OnRead(finder, At(through_s), now_);
  }
  Meaning OfStart(FiringRuns::Finder finder, int64_t s) const {
    return runs_.OfStart(finder, "f", At(s), now_);
  }
  Meaning OfEnd(FiringRuns::Finder finder, int64_t s) const {
    return runs_.OfEnd(finder, "f", At(s), now_);
  }

  Timestamp now_ = At(10'000);
  FiringRuns runs_{kAway};
};

TEST_F(FiringRunsTest, OneAloneDecides) {
  Started(0, At(100));
  Read(0, 200);
  EXPECT_EQ(OfStart(0, 100), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(0, 200), Meaning::kItsOwn);
  EXPECT_EQ(runs_.BeginOf("f", At(100)), At(100));
  EXPECT_EQ(runs_.OfEnd(0, "unknown", At(100), now_), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, TheFirstStartAndTheLastEndAreTheAlerts) {
  Started(0, At(100));
  Started(1, At(110));
  Read(0, 400);
  Read(1, 400);
  EXPECT_EQ(OfStart(0, 100), Meaning::kItsOwn);
  EXPECT_EQ(OfStart(1, 110), Meaning::kWithinAnother);
  Ended(0, At(100), 200);
  EXPECT_EQ(OfEnd(0, 200), Meaning::kWithinAnother);
  Ended(1, At(110), 215);
  EXPECT_EQ(OfEnd(0, 200), Meaning::kWithinAnother);
  EXPECT_EQ(OfEnd(1, 215), Meaning::kItsOwn);
  EXPECT_EQ(runs_.BeginOf("f", At(110)), At(100));
}

TEST_F(FiringRunsTest, TheSameTimesAreTheAlerts) {
  for (const FiringRuns::Finder finder : {0U, 1U}) {
    Started(finder, At(100));
    Ended(finder, At(100), 200);
    Read(finder, 300);
  }
  EXPECT_EQ(OfStart(1, 100), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(0, 200), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(1, 200), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, WhatOthersHaveNotReadIsNotKnownUnlessTheyAreAway) {
  Started(0, At(100));
  Read(1, 99);
  EXPECT_EQ(OfStart(0, 100), Meaning::kNotKnownYet);
  Read(1, 100);
  EXPECT_EQ(OfStart(0, 100), Meaning::kItsOwn);
  Started(1, At(90));
  EXPECT_EQ(OfEnd(0, 101), Meaning::kNotKnownYet);
  now_ = now_ + kAway;
  EXPECT_EQ(OfEnd(0, 101), Meaning::kNotKnownYet);
  now_ = now_ + Millis(1);
  EXPECT_EQ(OfEnd(0, 101), Meaning::kItsOwn);
  // A clock that was set back.
  now_ = At(1'000);
  EXPECT_EQ(OfEnd(0, 101), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, OneThatHasNotToldAnythingYetIsWaitedFor) {
  runs_.OnBegin(1, now_);
  Started(0, At(100));
  EXPECT_EQ(OfStart(0, 100), Meaning::kNotKnownYet);
  now_ = now_ + kAway + Millis(1);
  EXPECT_EQ(OfStart(0, 100), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, OneThatIsAwayFiresNoLongerThanItHasRead) {
  Started(0, At(100));
  Read(0, 150);
  Started(1, At(500));
  Ended(1, At(500), 600);
  EXPECT_EQ(runs_.BeginOf("f", At(500)), At(500));
  Read(0, 501);
  EXPECT_EQ(runs_.BeginOf("f", At(500)), At(100));
}

TEST_F(FiringRunsTest, AFiringIsOneAlongAllThatSawPartsOfIt) {
  Read(0, 1'000);
  Read(1, 1'000);
  Started(0, At(100));
  Ended(0, At(100), 200);
  Started(1, At(150));
  Ended(1, At(150), 300);
  Started(0, At(250));
  Ended(0, At(250), 400);
  EXPECT_EQ(runs_.BeginOf("f", At(250)), At(100));
  // What only touches it is another.
  Started(1, At(400));
  EXPECT_EQ(OfStart(1, 400), Meaning::kItsOwn);
  EXPECT_EQ(runs_.BeginOf("f", At(400)), At(400));
}

TEST_F(FiringRunsTest, AStartThatIsNotKnownBeginsNothingAndHoldsTheEnd) {
  Started(0, std::nullopt);
  Started(1, At(110));
  Read(0, 400);
  Read(1, 400);
  EXPECT_EQ(OfStart(1, 110), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(1, 200), Meaning::kWithinAnother);
  EXPECT_EQ(runs_.BeginOf("f", At(110)), At(110));
  Started(0, At(90));
  EXPECT_EQ(OfStart(1, 110), Meaning::kWithinAnother);
  EXPECT_EQ(runs_.BeginOf("f", At(110)), At(90));
}

TEST_F(FiringRunsTest, AStartThatWasDecidedBeforeIsOneFromWhereItWasSeen) {
  runs_.OnStarted(0, "f", {std::nullopt, At(100), true}, now_);
  Read(0, 400);
  EXPECT_EQ(OfStart(1, 110), Meaning::kWithinAnother);
  EXPECT_EQ(OfEnd(1, 110), Meaning::kWithinAnother);
  EXPECT_EQ(OfStart(1, 100), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(1, 100), Meaning::kItsOwn);
  EXPECT_EQ(runs_.BeginOf("f", At(110)), At(110));
}

TEST_F(FiringRunsTest, AStartMayBecomeKnownWhenItFiresAgain) {
  Started(0, std::nullopt);
  Ended(0, std::nullopt, 200);
  Started(0, At(300));
  Started(0, At(100));
  Ended(0, At(100), 200);
  Read(0, 400);
  EXPECT_EQ(OfStart(1, 150), Meaning::kWithinAnother);
  EXPECT_EQ(OfStart(1, 250), Meaning::kItsOwn);
  EXPECT_EQ(OfEnd(1, 350), Meaning::kWithinAnother);
}

TEST_F(FiringRunsTest, AHistoryThatBeginsAnewTellsNothingOfBefore) {
  Started(0, At(100));
  Read(0, 400);
  Started(1, At(100));
  runs_.OnBegin(0, now_);
  Read(0, 400);
  EXPECT_EQ(OfEnd(1, 200), Meaning::kItsOwn);
  runs_.OnBegin(1, now_);
  EXPECT_EQ(runs_.size(), 0u);
}

TEST_F(FiringRunsTest, OnlyWhatDoesNotFireIsForgotten) {
  Started(0, At(100));
  Ended(1, At(100), 200);
  runs_.Forget(At(99'999));
  EXPECT_EQ(runs_.size(), 1u);
  Ended(0, At(100), 200);
  runs_.Forget(now_);
  EXPECT_EQ(runs_.size(), 1u);
  runs_.Forget(now_ + Millis(1));
  EXPECT_EQ(runs_.size(), 0u);
}

TEST_F(FiringRunsTest, OfManyRunsThoseThatEndedFirstAreForgotten) {
  Read(0, 100'000);
  Started(0, At(1));
  for (int64_t i = 10; i < 10'000; i += 10) {
    Started(1, At(i));
    Ended(1, At(i), i + 5);
  }
  EXPECT_EQ(OfEnd(1, 10'000), Meaning::kWithinAnother);
  EXPECT_EQ(OfStart(2, 9'992), Meaning::kWithinAnother);
}

}  // namespace
}  // namespace alertjoin
