#include "ingest-service/backfill/time_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimeRange Range(int64_t from, int64_t through) {
  return {Timestamp::FromMillis(from), Timestamp::FromMillis(through)};
}

TEST(TimeRanges, NeighboursBecomeOne) {
  TimeRanges ranges;
  ranges.Add(Range(1, 5));
  ranges.Add(Range(10, 20));
  EXPECT_THAT(ranges.All(), ElementsAre(Range(1, 5), Range(10, 20)));
  ranges.Add(Range(6, 9));
  EXPECT_THAT(ranges.All(), ElementsAre(Range(1, 20)));
}

TEST(TimeRanges, GivesWhatIsMissing) {
  TimeRanges ranges;
  EXPECT_THAT(ranges.MissingIn(Range(5, 7)), ElementsAre(Range(5, 7)));
  ranges.Add(Range(10, 20));
  ranges.Add(Range(30, 40));
  EXPECT_THAT(ranges.MissingIn(Range(5, 50)),
              ElementsAre(Range(5, 9), Range(21, 29), Range(41, 50)));
  EXPECT_THAT(ranges.MissingIn(Range(12, 35)), ElementsAre(Range(21, 29)));
  EXPECT_THAT(ranges.MissingIn(Range(10, 20)), IsEmpty());
  EXPECT_THAT(ranges.MissingIn(Range(20, 21)), ElementsAre(Range(21, 21)));
}

TEST(TimeRanges, IsASetOfMoments) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    TimeRanges ranges;
    std::set<int64_t> model;
    for (int i = 0; i < 8; ++i) {
      const auto from = static_cast<int64_t>(random() % 40);
      const auto through = from + static_cast<int64_t>(random() % 8);
      ranges.Add(Range(from, through));
      for (int64_t ms = from; ms <= through; ++ms) model.insert(ms);
    }
    std::set<int64_t> missing;
    for (const TimeRange& range : ranges.MissingIn(Range(3, 44))) {
      for (int64_t ms = range.from.millis(); ms <= range.through.millis(); ++ms) missing.insert(ms);
    }
    for (int64_t ms = 3; ms <= 44; ++ms) {
      ASSERT_NE(model.count(ms), missing.count(ms)) << ms << ", seed " << seed;
    }
    const auto all = ranges.All();
    for (size_t i = 1; i < all.size(); ++i) {
      ASSERT_GT(all[i].from - all[i - 1].through, Millis(1)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace alertjoin
