#include "correlator-service/tables/sample_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "common/event/event.h"
#include "tests/support/at_time.h"

namespace alertjoin {
namespace {

using Outcome = SampleSeries::Outcome;

Sample Of(int64_t ms, double value) { return {At(ms), value, At(ms + 1)}; }

// Times 10, 20, ..., each with a tenth of its time as value.
SampleSeries Filled(int64_t count) {
  SampleSeries series;
  for (int64_t i = 1; i <= count; ++i) series.Insert(Of(10 * i, static_cast<double>(i)));
  return series;
}

void ExpectSame(const SampleSeries& series, const std::map<int64_t, double>& expected) {
  ASSERT_EQ(series.size(), expected.size());
  Timestamp at = Timestamp::Min();
  for (const auto& [time, value] : expected) {
    const auto sample = series.After(at);
    ASSERT_TRUE(sample.has_value());
    ASSERT_EQ(sample->time, At(time));
    ASSERT_EQ(sample->value, value);
    ASSERT_EQ(sample->received_time, At(time + 1));
    at = sample->time;
  }
  ASSERT_FALSE(series.After(at).has_value());
}

TEST(SampleSeries, IsEmptyAtFirst) {
  const SampleSeries series;
  EXPECT_FALSE(series.AtOrBefore(At(5)).has_value());
  EXPECT_FALSE(series.After(At(5)).has_value());
  EXPECT_FALSE(series.Newest().has_value());
}

TEST(SampleSeries, TakesALateSampleAtEveryPositionOfEverySize) {
  const auto leaf = static_cast<int64_t>(SampleLeaf::kSamplesMax);
  for (const int64_t count : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, leaf - 1, leaf,
                              leaf + 1, 2 * leaf, 2 * leaf + 1}) {
    std::map<int64_t, double> times;
    for (int64_t i = 1; i <= count; ++i) times[10 * i] = static_cast<double>(i);
    for (int64_t slot = 0; slot <= count; ++slot) {
      SampleSeries series = Filled(count);
      const auto result = series.Insert(Of(10 * slot + 5, -1));
      EXPECT_EQ(result.outcome, slot == count ? Outcome::kAppended : Outcome::kInserted);
      EXPECT_EQ(result.previous, slot == 0 ? std::nullopt : std::optional(At(10 * slot)));
      EXPECT_EQ(result.next, slot == count ? std::nullopt : std::optional(At(10 * slot + 10)));
      auto expected = times;
      expected[10 * slot + 5] = -1;
      ASSERT_NO_FATAL_FAILURE(ExpectSame(series, expected));
    }
  }
}

TEST(SampleSeries, KeepsOrderWhenFilledBackwardsAndInTheMiddle) {
  SampleSeries series;
  std::map<int64_t, double> expected;
  for (int64_t i = 2'000; i > 0; --i) {
    series.Insert(Of(i, 1));
    expected[i] = 1;
  }
  for (int64_t i = 5'000; i > 2'000; --i) {
    series.Insert(Of(i + (i % 2) * 5'000, 2));
    expected[i + (i % 2) * 5'000] = 2;
  }
  ExpectSame(series, expected);
}

TEST(SampleSeries, FindsTheNewestAtOrBefore) {
  const SampleSeries series = Filled(600);
  EXPECT_FALSE(series.AtOrBefore(At(9)).has_value());
  for (int64_t i = 1; i <= 600; ++i) {
    ASSERT_EQ(series.AtOrBefore(At(10 * i))->time, At(10 * i));
    ASSERT_EQ(series.AtOrBefore(At(10 * i + 9))->time, At(10 * i));
    if (i > 1) {
      ASSERT_EQ(series.Before(At(10 * i))->time, At(10 * i - 10));
    }
  }
  EXPECT_FALSE(series.Before(At(10)).has_value());
}

TEST(SampleSeries, TellsARepeatFromAnotherValueAtTheSameTime) {
  SampleSeries series = Filled(3);
  EXPECT_EQ(series.Insert(Of(20, 2)).outcome, Outcome::kUnchanged);
  const auto replaced = series.Insert(Of(20, 7));
  EXPECT_EQ(replaced.outcome, Outcome::kReplaced);
  EXPECT_EQ(replaced.previous, At(10));
  EXPECT_EQ(replaced.next, At(30));
  EXPECT_EQ(series.AtOrBefore(At(25))->value, 7);
  EXPECT_EQ(series.size(), 3u);
}

TEST(SampleSeries, TellsNanFromTheStaleMarker) {
  SampleSeries series;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  series.Insert(Of(10, nan));
  EXPECT_EQ(series.Insert(Of(10, -nan)).outcome, Outcome::kUnchanged);
  EXPECT_EQ(series.Insert(Of(10, StaleMarker())).outcome, Outcome::kReplaced);
  EXPECT_EQ(series.Insert(Of(10, StaleMarker())).outcome, Outcome::kUnchanged);
}

TEST(SampleSeries, TellsZeroFromMinusZero) {
  SampleSeries series;
  series.Insert(Of(10, 0.0));
  EXPECT_EQ(series.Insert(Of(10, -0.0)).outcome, Outcome::kReplaced);
}

TEST(SampleSeries, ExpiryKeepsTheLastSampleBeforeTheHorizon) {
  const auto leaf = static_cast<int64_t>(SampleLeaf::kSamplesMax);
  for (int64_t kept = 1; kept <= 2 * leaf + 2; ++kept) {
    SampleSeries series = Filled(2 * leaf + 2);
    EXPECT_EQ(series.Expire(At(10 * kept + 3)), static_cast<size_t>(kept - 1));
    ASSERT_EQ(series.AtOrBefore(At(10 * kept + 3))->time, At(10 * kept));
    ASSERT_FALSE(series.Before(At(10 * kept)).has_value());
    ASSERT_EQ(series.Newest()->time, At(10 * (2 * leaf + 2)));
  }
}

TEST(SampleSeries, ExpiryBeforeTheFirstSampleDropsNothing) {
  SampleSeries series = Filled(5);
  EXPECT_EQ(series.Expire(At(9)), 0u);
  EXPECT_EQ(series.size(), 5u);
}

TEST(SampleSeries, TakesTimesThatLieFarApart) {
  // More than 2^32 ms between some of them; every order of insertion.
  const int64_t year = int64_t{365} * 86'400'000;
  std::vector<int64_t> times{0, 1, year, year + 1, 50 * year, 50 * year + 1, 51 * year};
  std::map<int64_t, double> expected;
  for (const int64_t time : times) expected[time] = static_cast<double>(time);
  do {
    SampleSeries series;
    for (const int64_t time : times) series.Insert(Of(time, static_cast<double>(time)));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(series, expected));
  } while (std::next_permutation(times.begin(), times.end()));
}

TEST(SampleSeries, KeepsReceiveTimesExactlyWhenNearAndToTheSecondWhenFar) {
  const int64_t day = 86'400'000;
  SampleSeries series;
  series.Insert({At(10), 1, At(10 + 5 * day + 1)});
  series.Insert({At(20), 1, At(20 - 5 * day - 1)});
  series.Insert({At(30), 1, At(30 + 400 * day + 1'999)});
  EXPECT_EQ(series.AtOrBefore(At(10))->received_time, At(10 + 5 * day + 1));
  EXPECT_EQ(series.AtOrBefore(At(20))->received_time, At(20 - 5 * day - 1));
  EXPECT_EQ(series.AtOrBefore(At(30))->received_time, At(30 + 400 * day + 1'000));
}

}  // namespace
}  // namespace alertjoin
