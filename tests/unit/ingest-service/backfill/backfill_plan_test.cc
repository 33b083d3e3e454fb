#include "ingest-service/backfill/backfill_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Timestamp kStart = Timestamp::FromMillis(1'700'000'000'000);

BackfillTask Raw(Millis length) {
  return {{}, {kStart, kStart + length - Millis(1)}, std::nullopt};
}
BackfillTask Grid(Timestamp from, Timestamp through, Millis step) {
  return {{}, {from, through}, step};
}
TimeRange Range(Timestamp from, Millis length) { return {from, from + length - Millis(1)}; }

TEST(BackfillPlan, RawChunksAreAllOfTheTimeAndDoNotOverlap) {
  BackfillPlan plan(Raw(hours(100)), {});
  Timestamp next = kStart;
  while (const auto chunk = plan.Next()) {
    EXPECT_EQ(chunk->from, next);
    EXPECT_LE(chunk->through - chunk->from, BackfillPlan::kSpanMax);
    next = chunk->through + Millis(1);
    plan.OnAnswer(*chunk, 1000, 100);
  }
  EXPECT_EQ(next, kStart + hours(100));
}

TEST(BackfillPlan, ChunksGrowUntilAnAnswerIsAsLargeAsItMayBe) {
  // 50 series, a sample every 15 s: 12,000 samples an hour.
  BackfillPlan plan(Raw(hours(24 * 30)), {});
  size_t chunks = 0;
  while (const auto chunk = plan.Next()) {
    const auto of_one = static_cast<size_t>((chunk->through - chunk->from) / seconds(15)) + 1;
    EXPECT_LE(of_one * 50, size_t{BackfillPlan::kPointsTarget} + 50);
    EXPECT_LE(of_one, 11'000u);
    plan.OnAnswer(*chunk, of_one * 50, of_one);
    ++chunks;
  }
  EXPECT_GT(chunks, 40u);
  EXPECT_LT(chunks, 60u);
}

TEST(BackfillPlan, ASeriesOfVeryManyPointsKeepsChunksShort) {
  BackfillPlan plan(Raw(hours(10)), {});
  plan.OnAnswer(*plan.Next(), 36'000, 36'000);  // Ten a second.
  const auto chunk = *plan.Next();
  EXPECT_LE((chunk.through - chunk.from) / Millis(100), 11'000);
}

TEST(BackfillPlan, AnAnswerThatIsTooLargeComesAgainInParts) {
  BackfillPlan plan(Raw(hours(1)), {});
  const TimeRange all = *plan.Next();
  EXPECT_EQ(all, Range(kStart, hours(1)));
  EXPECT_TRUE(plan.OnTooLarge(all));
  EXPECT_EQ(plan.Next(), Range(kStart, minutes(30)));
  EXPECT_EQ(plan.Next(), Range(kStart + minutes(30), minutes(30)));
  EXPECT_EQ(plan.Next(), std::nullopt);
  EXPECT_FALSE(plan.OnTooLarge(Range(kStart, seconds(1))));
}

TEST(BackfillPlan, WhatIsDoneIsNotAskedForAgain) {
  TimeRanges done;
  done.Add(Range(kStart, minutes(90)));
  done.Add(Range(kStart + hours(2), hours(5)));
  BackfillPlan plan(Raw(hours(8)), done);
  EXPECT_EQ(plan.left(), minutes(90));
  EXPECT_EQ(plan.Next(), Range(kStart + minutes(90), minutes(30)));
  EXPECT_EQ(plan.Next(), Range(kStart + hours(7), hours(1)));
  EXPECT_EQ(plan.Next(), std::nullopt);
  EXPECT_EQ(plan.left(), Millis(0));
}

TEST(BackfillPlan, AGridIsAlignedToTheEpochWithItsStartFloored) {
  const auto day = Timestamp::FromMillis(1'699'920'000'000);  // Midnight.
  BackfillPlan plan(Grid(day + hours(10), day + hours(24 * 3 + 1), hours(24)), {});
  const auto chunk = plan.Next();
  ASSERT_TRUE(chunk.has_value());
  EXPECT_EQ(*chunk, (TimeRange{day, day + hours(24 * 3)}));
  // It stands for the time up to the next evaluation.
  EXPECT_EQ(plan.Whole(*chunk), Range(day, hours(24 * 4)));
  EXPECT_EQ(plan.Next(), std::nullopt);
  // Done is done, though the start moves on.
  TimeRanges done;
  done.Add(plan.Whole(*chunk));
  EXPECT_THAT(BackfillPlan(Grid(day + hours(11), day + hours(24 * 3 + 2), hours(24)), done).Left(),
              IsEmpty());
  EXPECT_THAT(BackfillPlan(Grid(day + hours(11), day + hours(24 * 4 + 2), hours(24)), done).Left(),
              ElementsAre(Range(day + hours(24 * 4), hours(24))));
}

TEST(BackfillPlan, GridChunksStayUnderElevenThousandPoints) {
  BackfillPlan plan(Grid(kStart, kStart + hours(24 * 30), seconds(15)), {});
  Timestamp next = Timestamp::FromMillis(kStart.millis() / 15'000 * 15'000);
  size_t points = 0;
  while (const auto chunk = plan.Next()) {
    EXPECT_EQ(chunk->from, next);
    const auto of_chunk = static_cast<size_t>((chunk->through - chunk->from) / seconds(15)) + 1;
    EXPECT_LE(of_chunk, 10'000u);
    points += of_chunk;
    next = chunk->through + seconds(15);
    plan.OnAnswer(*chunk, of_chunk, of_chunk);
  }
  EXPECT_EQ(points, 30u * 24 * 240 + 1);
}

}  // namespace
}  // namespace alertjoin
