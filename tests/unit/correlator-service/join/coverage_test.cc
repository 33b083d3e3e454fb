#include "correlator-service/join/coverage.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/at_time.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

Interval Of(int64_t from, int64_t through) { return {At(from), At(through)}; }

TEST(Coverage, JoinsIntervalsThatTouchAtMillisecondResolution) {
  Coverage coverage;
  EXPECT_EQ(coverage.Add(Of(1, 5)), Of(1, 5));
  EXPECT_EQ(coverage.Add(Of(7, 9)), Of(7, 9));
  EXPECT_FALSE(coverage.Contains(Of(5, 7)));
  EXPECT_EQ(coverage.Add(Of(6, 6)), Of(1, 9));
  EXPECT_EQ(coverage.Covered(), std::vector{Of(1, 9)});
  EXPECT_TRUE(coverage.Contains(Of(1, 9)));
  EXPECT_FALSE(coverage.Contains(Of(0, 9)));
  EXPECT_FALSE(coverage.Contains(Of(1, 10)));
}

TEST(Coverage, AnIntervalInsideChangesNothing) {
  Coverage coverage;
  coverage.Add(Of(1, 9));
  EXPECT_EQ(coverage.Add(Of(3, 4)), Of(1, 9));
  EXPECT_EQ(coverage.Newest(), Of(1, 9));
}

TEST(Coverage, AgreesWithASetOfMilliseconds) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    Coverage coverage;
    std::set<int64_t> covered;
    std::set<int64_t> voided;
    for (int step = 0; step < 20; ++step) {
      const auto from = static_cast<int64_t>(random() % 60);
      const auto through = from + static_cast<int64_t>(random() % 8);
      if (random() % 4 == 0) {
        coverage.Void(Of(from, through));
        for (int64_t ms = from; ms <= through; ++ms) voided.insert(ms);
      } else {
        const Interval hull = coverage.Add(Of(from, through));
        ASSERT_TRUE(hull.from <= At(from) && hull.through >= At(through)) << "seed " << seed;
        for (int64_t ms = from; ms <= through; ++ms) covered.insert(ms);
      }
      const auto low = static_cast<int64_t>(random() % 60);
      const auto high = low + static_cast<int64_t>(random() % 10);
      bool all = true;
      for (int64_t ms = low; ms <= high; ++ms) {
        all = all && covered.contains(ms) && !voided.contains(ms);
      }
      ASSERT_EQ(coverage.Contains(Of(low, high)), all) << "seed " << seed;
    }
  }
}

TEST(Coverage, WhatIsVoidStaysSo) {
  Coverage coverage;
  coverage.Add(Of(1, 9));
  coverage.Void(Of(4, 5));
  coverage.Add(Of(3, 12));
  EXPECT_EQ(coverage.Covered(), (std::vector{Of(1, 3), Of(6, 12)}));
  EXPECT_EQ(coverage.Newest(), Of(6, 12));
  EXPECT_EQ(coverage.Voided(), std::vector{Of(4, 5)});
}

TEST(Coverage, ExpiryForgetsWhatLiesBefore) {
  Coverage coverage;
  coverage.Add(Of(1, 5));
  coverage.Add(Of(10, 20));
  coverage.Expire(At(6));
  EXPECT_EQ(coverage.Covered(), std::vector{Of(10, 20)});
}

}  // namespace
}  // namespace alertjoin
