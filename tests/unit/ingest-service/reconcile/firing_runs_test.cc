#include "ingest-service/reconcile/firing_runs.h"

#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using Meaning = FiringRuns::Meaning;
using RunId = FiringRuns::RunId;

constexpr Millis kAway = std::chrono::minutes(4);
constexpr FiringRuns::Patience kPatience{std::chrono::minutes(2), kAway};
constexpr RunId kNone = 0;

Timestamp At(int64_t s) { return Timestamp::FromMillis(s * 1'000); }

// Finders 0 and 1 see the alert "f".
class FiringRunsTest : public ::testing::Test {
 protected:
  FiringRunsTest() {
    for (const FiringRuns::Finder finder : {0U, 1U}) {
      runs_.OnBegin(finder, kPatience, now_);
      runs_.OnRead(finder, now_);
    }
  }

  RunId Started(FiringRuns::Finder finder, int64_t start_s) {
    return runs_.OnStarted(finder, "f", {At(start_s), At(start_s)}, now_);
  }
  RunId StartedBefore(FiringRuns::Finder finder, int64_t firing_s, bool decided = false) {
    return runs_.OnStarted(finder, "f", {std::nullopt, At(firing_s), decided}, now_);
  }
  void Fires(RunId run, int64_t through_s) { runs_.OnFiring("f", run, At(through_s)); }
  void Ended(RunId run, int64_t end_s) { runs_.OnEnded("f", run, At(end_s), now_); }
  Meaning Of(RunId run, int64_t s) const { return runs_.Of("f", run, At(s), now_); }
  // "90-120", "90-120 and on".
  std::string WholeOf(int64_t start_s, int64_t end_s) const {
    const auto whole = runs_.WholeOf("f", At(start_s), At(end_s), now_);
    if (!whole) return "not known";
    return std::to_string(whole->starts_at.millis() / 1'000) + "-" +
           std::to_string(whole->ends_at.millis() / 1'000) + (whole->is_open ? " and on" : "");
  }

  Timestamp now_ = At(10'000);
  FiringRuns runs_;
};

TEST_F(FiringRunsTest, OneAloneDecides) {
  const RunId run = Started(0, 100);
  EXPECT_EQ(Of(run, 100), Meaning::kItsOwn);
  Ended(run, 200);
  EXPECT_EQ(Of(run, 200), Meaning::kItsOwn);
  EXPECT_EQ(WholeOf(100, 200), "100-200");
  EXPECT_EQ(runs_.Of("unknown", run, At(100), now_), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, TheFirstStartAndTheLastEndAreTheAlerts) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 110);
  Fires(first, 115);
  EXPECT_EQ(Of(first, 100), Meaning::kItsOwn);
  EXPECT_EQ(Of(second, 110), Meaning::kWithinOther);
  Fires(second, 205);
  Ended(first, 200);
  EXPECT_EQ(Of(first, 200), Meaning::kWithinOther);
  Ended(second, 215);
  EXPECT_EQ(Of(first, 200), Meaning::kWithinOther);
  EXPECT_EQ(Of(second, 215), Meaning::kItsOwn);
  EXPECT_EQ(WholeOf(110, 215), "100-215");
  EXPECT_EQ(WholeOf(100, 200), "100-215");
}

TEST_F(FiringRunsTest, TheSameTimesAreTheAlerts) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 100);
  EXPECT_EQ(Of(second, 100), Meaning::kItsOwn);
  Ended(first, 200);
  Ended(second, 200);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
  EXPECT_EQ(Of(second, 200), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, SeveralRunsOfOneFinderAreOneToo) {
  const RunId first = Started(0, 100);
  const RunId second = Started(0, 150);
  Fires(first, 190);
  Ended(second, 180);
  EXPECT_EQ(Of(second, 150), Meaning::kWithinOther);
  EXPECT_EQ(Of(second, 180), Meaning::kWithinOther);
  Ended(first, 200);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, WhatMayFireOnIsNotKnownUntilItIsFoundOrEndedOrAway) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 90);
  Fires(second, 150);
  Ended(first, 200);
  EXPECT_EQ(Of(first, 200), Meaning::kNotKnownYet);
  Fires(second, 200);
  EXPECT_EQ(Of(first, 200), Meaning::kWithinOther);
  // It was killed, and nothing told until its last sample was too old.
  Fires(second, 150);
  Ended(second, 165);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
  EXPECT_EQ(WholeOf(100, 200), "90-200");
}

TEST_F(FiringRunsTest, NobodyWaitsForWhoIsAway) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 90);
  Fires(second, 150);
  Ended(first, 200);
  now_ = now_ + kAway;
  EXPECT_EQ(Of(first, 200), Meaning::kNotKnownYet);
  now_ = now_ + Millis(1);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
  runs_.OnRead(1, now_);
  EXPECT_EQ(Of(first, 200), Meaning::kNotKnownYet);
  // A clock that was set back.
  now_ = At(1'000);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
}

TEST_F(FiringRunsTest, AnEndWaitsForWhoHasNotToldAnythingYet) {
  const RunId first = Started(0, 100);
  Ended(first, 200);
  runs_.OnBegin(1, kPatience, now_);
  EXPECT_EQ(Of(first, 200), Meaning::kItsOwn);
  EXPECT_EQ(WholeOf(100, 200), "not known");
  now_ = now_ + kPatience.first;
  EXPECT_EQ(WholeOf(100, 200), "not known");
  now_ = now_ + Millis(1);
  EXPECT_EQ(WholeOf(100, 200), "100-200");
}

TEST_F(FiringRunsTest, AnEndIsKnownOnceTheLastThatFiredIsAway) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 90);
  Fires(second, 230);
  Ended(first, 200);
  EXPECT_EQ(WholeOf(100, 200), "90-200 and on");
  now_ = now_ + kAway + Millis(1);
  EXPECT_EQ(WholeOf(100, 200), "90-230");
}

TEST_F(FiringRunsTest, OneThatIsAwayFiresNoLongerThanItWasFound) {
  const RunId first = Started(0, 100);
  Fires(first, 150);
  EXPECT_EQ(WholeOf(500, 600), "500-600");
  Fires(first, 500);
  EXPECT_EQ(WholeOf(500, 600), "not known");
  Fires(first, 600);
  EXPECT_EQ(WholeOf(500, 600), "100-600 and on");
}

TEST_F(FiringRunsTest, AFiringIsOneAlongAllThatSawPartsOfIt) {
  Ended(Started(0, 100), 200);
  Ended(Started(1, 150), 300);
  Ended(Started(0, 250), 400);
  EXPECT_EQ(WholeOf(250, 400), "100-400");
  EXPECT_EQ(WholeOf(100, 200), "100-400");
  // What only touches it is another.
  const RunId touching = Started(1, 400);
  EXPECT_EQ(Of(touching, 400), Meaning::kItsOwn);
  Ended(touching, 500);
  EXPECT_EQ(WholeOf(400, 500), "400-500");
}

TEST_F(FiringRunsTest, AStartThatIsLookedUpIsWaitedFor) {
  const RunId first = StartedBefore(0, 95);
  const RunId second = Started(1, 110);
  Fires(first, 400);
  EXPECT_EQ(Of(second, 110), Meaning::kNotKnownYet);
  Ended(first, 405);
  EXPECT_EQ(Of(second, 200), Meaning::kNotKnownYet);
  Ended(second, 200);
  EXPECT_EQ(WholeOf(110, 200), "not known");
  runs_.OnStartKnown("f", first, At(90));
  EXPECT_EQ(Of(second, 110), Meaning::kWithinOther);
  EXPECT_EQ(Of(second, 200), Meaning::kWithinOther);
  EXPECT_EQ(WholeOf(110, 200), "90-405");
}

TEST_F(FiringRunsTest, ARunWhoseStartIsNeverKnownDoesNotCount) {
  const RunId first = StartedBefore(0, 95);
  const RunId second = Started(1, 110);
  Ended(first, 405);
  Ended(second, 200);
  runs_.OnStartKnown("f", first, std::nullopt);
  EXPECT_EQ(Of(second, 110), Meaning::kItsOwn);
  EXPECT_EQ(Of(second, 200), Meaning::kItsOwn);
  EXPECT_EQ(WholeOf(110, 200), "110-200");
}

TEST_F(FiringRunsTest, ARunThatWasDecidedBeforeCountsFromWhereItWasSeen) {
  const RunId first = StartedBefore(0, 100, true);
  Fires(first, 400);
  EXPECT_EQ(Of(kNone, 110), Meaning::kWithinOther);
  EXPECT_EQ(Of(kNone, 100), Meaning::kItsOwn);
  // Its start is looked up when it ends.
  EXPECT_EQ(WholeOf(110, 200), "110-200 and on");
  Ended(first, 405);
  EXPECT_EQ(WholeOf(110, 200), "not known");
}

TEST_F(FiringRunsTest, AHistoryThatBeginsAnewTellsNothingOfBefore) {
  const RunId first = Started(0, 100);
  const RunId second = Started(1, 100);
  Fires(first, 400);
  runs_.OnBegin(0, kPatience, now_);
  EXPECT_EQ(Of(second, 200), Meaning::kItsOwn);
  runs_.OnBegin(1, kPatience, now_);
  EXPECT_EQ(runs_.size(), 0U);
  // What is told of what is forgotten.
  Fires(first, 500);
  Ended(first, 505);
  runs_.OnStartKnown("f", first, At(100));
  EXPECT_EQ(runs_.size(), 0U);
}

TEST_F(FiringRunsTest, OnlyWhatDoesNotFireIsForgotten) {
  const RunId first = Started(0, 100);
  Ended(Started(1, 100), 200);
  runs_.Forget(At(99'999));
  EXPECT_EQ(runs_.size(), 1U);
  Ended(first, 200);
  runs_.Forget(now_);
  EXPECT_EQ(runs_.size(), 1U);
  runs_.Forget(now_ + Millis(1));
  EXPECT_EQ(runs_.size(), 0U);
}

TEST_F(FiringRunsTest, OfManyRunsThoseThatEndedFirstAreForgotten) {
  const RunId first = Started(0, 1);
  Fires(first, 100'000);
  for (int64_t i = 10; i < 10'000; i += 10) Ended(Started(1, i), i + 5);
  EXPECT_EQ(Of(kNone, 10'000), Meaning::kWithinOther);
  Ended(first, 2);
  EXPECT_EQ(Of(kNone, 12), Meaning::kItsOwn);
  EXPECT_EQ(Of(kNone, 9'992), Meaning::kWithinOther);
}

}  // namespace
}  // namespace alertjoin
