// A series of three full leaves, changed at every position, against a std::map.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "correlator-service/tables/sample_series.h"
#include "tests/support/at_time.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using Outcome = SampleSeries::Outcome;

constexpr int64_t kLeaf = SampleLeaf::kSamplesMax;
constexpr int64_t kThreeLeaves = 3 * kLeaf;
constexpr int64_t kDay = 86'400'000;

// A series and what it should hold.
class ModelledSeries {
 public:
  // Fills it in order: times step, 2 * step, ..., so that each leaf but the last is left full.
  static ModelledSeries Filled(int64_t count, int64_t step = 10) {
    ModelledSeries filled;
    for (int64_t i = 1; i <= count; ++i) filled.Put(i * step, static_cast<double>(i));
    return filled;
  }

  // The sample arrives; what the series says of it must be true.
  void Put(int64_t ms, double value) {
    const auto behind = model_.upper_bound(ms);
    const auto known = model_.find(ms);
    const auto at_or_behind = known == model_.end() ? behind : known;
    Outcome expected = behind == model_.end() ? Outcome::kAppended : Outcome::kInserted;
    if (known != model_.end()) {
      expected = known->second == value ? Outcome::kUnchanged : Outcome::kReplaced;
    }
    const auto result = series_.Insert({At(ms), value, At(ms + 1)});
    ASSERT_EQ(result.outcome, expected) << ms;
    ASSERT_EQ(result.next, behind == model_.end() ? std::nullopt : TimeOf(behind)) << ms;
    ASSERT_EQ(result.previous,
              at_or_behind == model_.begin() ? std::nullopt : TimeOf(std::prev(at_or_behind)))
        << ms;
    model_[ms] = value;
    bytes_ += result.bytes_added;
    ASSERT_EQ(series_.ByteSize(), bytes_) << ms;
  }

  void Append(int64_t ms, double value) {
    const bool is_newest = model_.empty() || model_.rbegin()->first < ms;
    if (!series_.TryAppend({At(ms), value, At(ms + 1)})) return Put(ms, value);
    ASSERT_TRUE(is_newest) << ms;
    model_[ms] = value;
    ASSERT_EQ(series_.ByteSize(), bytes_) << ms;
  }

  void Expire(int64_t horizon) {
    const auto behind = model_.lower_bound(horizon);
    const size_t before = model_.size();
    if (behind != model_.begin()) model_.erase(model_.begin(), std::prev(behind));
    ASSERT_EQ(series_.Expire(At(horizon)), before - model_.size()) << horizon;
    bytes_ = series_.ByteSize();
  }

  // What lies in [from, to), up to `samples_max` samples of it.
  void CheckRead(int64_t from, int64_t to, size_t samples_max) const {
    std::vector<Sample> read;
    const bool whole = series_.Read(At(from), At(to), samples_max, &read);
    auto expected = model_.lower_bound(from);
    for (const Sample& sample : read) {
      ASSERT_NE(expected, model_.end());
      ASSERT_EQ(sample.time, At(expected->first));
      ASSERT_EQ(sample.value, expected->second);
      ++expected;
    }
    const bool more = expected != model_.end() && expected->first < to;
    ASSERT_EQ(whole, !more) << from << " " << to << " " << samples_max;
    if (more) {
      ASSERT_EQ(read.size(), samples_max);
    }
  }

  // The same samples forwards, backwards and by search.
  void Check() const {
    ASSERT_EQ(series_.size(), model_.size());
    Timestamp at = Timestamp::Min();
    std::optional<Timestamp> previous;
    for (const auto& [ms, value] : model_) {
      const auto next = series_.After(at);
      ASSERT_TRUE(next.has_value()) << "none behind " << at.millis();
      ASSERT_EQ(next->time, At(ms));
      ASSERT_EQ(next->value, value) << ms;
      ASSERT_EQ(next->received_time, At(ms + 1));
      ASSERT_EQ(series_.AtOrBefore(At(ms))->time, At(ms));
      const auto before = series_.Before(At(ms));
      ASSERT_EQ(before.has_value(), previous.has_value()) << ms;
      if (before) {
        ASSERT_EQ(before->time, *previous);
      }
      previous = at = At(ms);
    }
    ASSERT_FALSE(series_.After(at).has_value());
    ASSERT_EQ(series_.Newest().has_value(), !model_.empty());
    if (!model_.empty()) {
      ASSERT_EQ(series_.Newest()->time, *previous);
    }
  }

 private:
  static std::optional<Timestamp> TimeOf(std::map<int64_t, double>::const_iterator sample) {
    return At(sample->first);
  }

  SampleSeries series_;
  std::map<int64_t, double> model_;
  size_t bytes_ = 0;  // As the series has said that they grow.
};

// Runs `change` on a series of three full leaves for every position in it, the one before the first
// and the one behind the last among them, and checks all of the series each time.
template <typename Change>
void AtEveryPosition(Change change) {
  for (int64_t position = 0; position <= kThreeLeaves; ++position) {
    ModelledSeries series = ModelledSeries::Filled(kThreeLeaves);
    change(series, 10 * position);
    ASSERT_NO_FATAL_FAILURE(series.Check()) << "position " << position;
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(SampleSeriesPositions, ALateSample) {
  AtEveryPosition([](ModelledSeries& series, int64_t time) { series.Put(time + 5, -1); });
}

TEST(SampleSeriesPositions, LateSamplesOnBothSidesOfASample) {
  AtEveryPosition([](ModelledSeries& series, int64_t time) {
    series.Put(time + 5, -1);
    series.Put(time - 5, -2);
    series.Put(time + 6, -3);
    series.Put(time - 6, -4);
  });
}

TEST(SampleSeriesPositions, ARepeatAndThenAnotherValue) {
  AtEveryPosition([](ModelledSeries& series, int64_t time) {
    series.Put(time, static_cast<double>(time / 10));
    series.Put(time, -1);
    series.Put(time, -1);
  });
}

TEST(SampleSeriesPositions, ALateSampleAndThenAppends) {
  AtEveryPosition([](ModelledSeries& series, int64_t time) {
    series.Put(time + 5, -1);
    for (int64_t i = 1; i <= 3; ++i) series.Append(10 * kThreeLeaves + 10 * i, 7);
  });
}

TEST(SampleSeriesPositions, SoManyLateSamplesThatLeavesSplitTwice) {
  for (int64_t position = 0; position <= kThreeLeaves; position += 16) {
    ModelledSeries series = ModelledSeries::Filled(kThreeLeaves, 1'000);
    for (int64_t i = 1; i <= 2 * kLeaf; ++i) {
      ASSERT_NO_FATAL_FAILURE(series.Put(1'000 * position + (i * 389) % 999 + 1, -1));
    }
    ASSERT_NO_FATAL_FAILURE(series.Check()) << "position " << position;
  }
}

TEST(SampleSeriesPositions, AHorizonBeforeAtAndBehindEverySample) {
  for (const int64_t offset : {-1, 0, 1}) {
    AtEveryPosition([offset](ModelledSeries& series, int64_t time) {
      series.Expire(time + offset);
      series.Check();
      // The series goes on: before and behind what was kept, and at its end.
      series.Put(time + 5, -1);
      series.Put(time - 5, -2);
      series.Append(10 * kThreeLeaves + 10, -3);
    });
  }
}

TEST(SampleSeriesPositions, ARangeFromEveryPosition) {
  const ModelledSeries series = ModelledSeries::Filled(kThreeLeaves);
  for (int64_t from = 0; from <= 10 * kThreeLeaves + 10; from += 5) {
    for (const int64_t length : {int64_t{-5}, int64_t{0}, int64_t{1}, 10 * kLeaf, 40 * kLeaf}) {
      for (const size_t samples_max : {size_t{0}, size_t{1}, size_t{kLeaf}, size_t{5 * kLeaf}}) {
        ASSERT_NO_FATAL_FAILURE(series.CheckRead(from, from + length, samples_max));
      }
    }
  }
  std::vector<Sample> read;
  EXPECT_TRUE(SampleSeries().Read(Timestamp::Min(), Timestamp::Max(), 1, &read));
  EXPECT_TRUE(read.empty());
}

TEST(SampleSeriesPositions, EveryGapFilledInAnyOrder) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  std::vector<int64_t> gaps(kThreeLeaves + 1);
  std::iota(gaps.begin(), gaps.end(), 0);
  for (int round = 0; round < 20; ++round) {
    ModelledSeries series = ModelledSeries::Filled(kThreeLeaves);
    for (const int64_t gap : gaps) ASSERT_NO_FATAL_FAILURE(series.Put(10 * gap + 5, -1));
    ASSERT_NO_FATAL_FAILURE(series.Check()) << "seed " << seed << ", round " << round;
    if (round == 0) {
      std::reverse(gaps.begin(), gaps.end());
    } else {
      std::shuffle(gaps.begin(), gaps.end(), random);
    }
  }
}

TEST(SampleSeriesPositions, SamplesADayApartOfWhichALeafHoldsFortyNine) {
  constexpr int64_t kDays = 3 * 49 + 7;
  for (int64_t day = 0; day <= kDays; ++day) {
    ModelledSeries series = ModelledSeries::Filled(kDays, kDay);
    series.Put(day * kDay + 1, -1);
    series.Put(day * kDay - 1, -2);
    ASSERT_NO_FATAL_FAILURE(series.Check()) << "day " << day;
  }
}

TEST(SampleSeriesPositions, ALoneSampleAnywhereBetweenLeavesThatLieFarApart) {
  for (int64_t day = -110; day <= 220; ++day) {
    ModelledSeries series = ModelledSeries::Filled(kLeaf);
    for (int64_t i = 1; i <= kLeaf; ++i) series.Put(110 * kDay + 10 * i, 1);
    series.Put(day * kDay + 5, -1);
    series.Put(day * kDay + 6, -1);
    series.Put(day * kDay + 4, -1);
    ASSERT_NO_FATAL_FAILURE(series.Check()) << "day " << day;
  }
}

TEST(SampleSeriesPositions, AnyStepsInAnyOrder) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  const auto upto = [&random](int64_t max) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(max + 1));
  };
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    ModelledSeries series;
    // From crowded to scattered over years.
    const int64_t span = int64_t{1'000} << (round % 30);
    int64_t newest = 0;
    for (int step = 0; step < 2'000; ++step) {
      if (upto(400) == 0) series.Expire(upto(newest));
      const bool is_late = upto(3) == 0;
      const int64_t time = is_late ? upto(newest) : newest + upto(span / 1'000);
      newest = std::max(newest, time);
      ASSERT_NO_FATAL_FAILURE(series.Append(time, static_cast<double>(upto(2))));
    }
    ASSERT_NO_FATAL_FAILURE(series.Check());
  }
}

}  // namespace
}  // namespace alertjoin
