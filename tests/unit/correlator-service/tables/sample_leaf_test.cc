// One leaf at every size and every position, against a sorted vector.

#include "correlator-service/tables/sample_leaf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/at_time.h"

namespace alertjoin {
namespace {

constexpr int64_t kFull = SampleLeaf::kSamplesMax;
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kSpanMax = UINT32_MAX;  // From the first sample of a leaf to its last.

Sample Of(int64_t ms) { return {At(ms), static_cast<double>(ms), At(ms + 7)}; }

// Times 10, 20, ...
std::vector<int64_t> Times(int64_t count) {
  std::vector<int64_t> times;
  for (int64_t i = 1; i <= count; ++i) times.push_back(10 * i);
  return times;
}

SampleLeaf LeafOf(const std::vector<int64_t>& times) {
  SampleLeaf leaf;
  for (const int64_t time : times) leaf.Insert(leaf.size(), Of(time));
  return leaf;
}

void ExpectSame(const SampleLeaf& leaf, const std::vector<int64_t>& times) {
  ASSERT_EQ(leaf.size(), times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    const Sample sample = leaf.At(i);
    ASSERT_EQ(sample.time, At(times[i])) << "at " << i;
    ASSERT_EQ(sample.value, static_cast<double>(times[i])) << "at " << i;
    ASSERT_EQ(sample.received_time, At(times[i] + 7)) << "at " << i;
  }
}

const std::vector<int64_t> kSizes{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,       13,
                                  15, 16, 17, 19, 20, 21, 31, 32, 33, 63, 64, 65, kFull - 1};

TEST(SampleLeaf, InsertsAtEveryPositionOfEverySize) {
  for (const int64_t size : kSizes) {
    for (int64_t index = 0; index <= size; ++index) {
      std::vector<int64_t> times = Times(size);
      SampleLeaf leaf = LeafOf(times);
      times.insert(times.begin() + index, 10 * index + 5);
      leaf.Insert(static_cast<size_t>(index), Of(10 * index + 5));
      ASSERT_NO_FATAL_FAILURE(ExpectSame(leaf, times)) << size << " at " << index;
    }
  }
}

TEST(SampleLeaf, FindsTheFirstBehindEveryTime) {
  const std::vector<int64_t> times = Times(kFull);
  const SampleLeaf leaf = LeafOf(times);
  for (int64_t ms = 0; ms <= 10 * kFull + 10; ++ms) {
    const auto expected = std::upper_bound(times.begin(), times.end(), ms) - times.begin();
    ASSERT_EQ(leaf.UpperBound(At(ms)), static_cast<size_t>(expected)) << ms;
  }
  EXPECT_EQ(leaf.UpperBound(Timestamp::Min()), 0u);
  EXPECT_EQ(leaf.UpperBound(Timestamp::Max()), leaf.size());
}

TEST(SampleLeaf, ReplacesAtEveryPositionAndNowhereElse) {
  for (int64_t index = 0; index < kFull; ++index) {
    SampleLeaf leaf = LeafOf(Times(kFull));
    const auto at = static_cast<size_t>(index);
    const int64_t time = 10 * index + 10;
    leaf.Replace(at, {At(time), -1, At(time + 99)});
    ASSERT_EQ(leaf.value(at), -1);
    ASSERT_EQ(leaf.At(at).received_time, At(time + 99));
    leaf.Replace(at, Of(time));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(leaf, Times(kFull)));
  }
}

TEST(SampleLeaf, SplitsAtEveryPosition) {
  for (int64_t index = 1; index < kFull; ++index) {
    const std::vector<int64_t> times = Times(kFull);
    SampleLeaf head = LeafOf(times);
    SampleLeaf tail = head.SplitAt(static_cast<size_t>(index));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(head, {times.begin(), times.begin() + index}));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(tail, {times.begin() + index, times.end()}));
    // Both take more, the tail also before its first.
    head.Insert(head.size(), Of(10 * index + 1));
    tail.Insert(0, Of(10 * index + 9));
    ASSERT_EQ(head.last_time(), At(10 * index + 1));
    ASSERT_EQ(tail.first_time(), At(10 * index + 9));
    ASSERT_EQ(tail.time(1), At(10 * index + 10));
  }
}

TEST(SampleLeaf, DropsFromTheFrontAtEveryPosition) {
  for (int64_t count = 0; count < kFull; ++count) {
    std::vector<int64_t> times = Times(kFull);
    SampleLeaf leaf = LeafOf(times);
    leaf.DropFront(static_cast<size_t>(count));
    times.erase(times.begin(), times.begin() + count);
    ASSERT_NO_FATAL_FAILURE(ExpectSame(leaf, times));
    if (leaf.full()) continue;
    // What is dropped may come again, in front.
    times.insert(times.begin(), 1);
    leaf.Insert(0, Of(1));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(leaf, times));
  }
}

TEST(SampleLeaf, AppendsQuicklyOnlyWhatIsNewer) {
  SampleLeaf leaf;
  EXPECT_FALSE(leaf.TryAppend(Of(10))) << "times have no base yet";
  leaf.Insert(0, Of(10));
  EXPECT_FALSE(leaf.TryAppend(Of(9)));
  EXPECT_FALSE(leaf.TryAppend(Of(10)));
  EXPECT_TRUE(leaf.TryAppend(Of(11)));
  ExpectSame(leaf, {10, 11});
}

TEST(SampleLeaf, AppendsQuicklyUntilItTakesALargerBlock) {
  constexpr auto kRecent = static_cast<int64_t>(SampleLeaf::kRecentMax);
  constexpr int64_t kReserved = 12;
  SampleLeaf leaf;
  leaf.Reserve(kReserved);
  std::vector<int64_t> times = Times(kReserved + kRecent);
  leaf.Insert(0, Of(times[0]));
  for (size_t i = 1; i < times.size(); ++i) ASSERT_TRUE(leaf.TryAppend(Of(times[i]))) << i;
  const size_t bytes = leaf.ByteSize();
  EXPECT_FALSE(leaf.TryAppend(Of(1'000)));
  ExpectSame(leaf, times);
  times.push_back(1'000);
  leaf.Insert(leaf.size(), Of(1'000));
  ExpectSame(leaf, times);
  EXPECT_GT(leaf.ByteSize(), bytes);
}

TEST(SampleLeaf, AppendsQuicklyUntilItIsFullWhateverCameLate) {
  for (int64_t late = 0; late < 8; ++late) {
    SampleLeaf leaf = LeafOf(Times(100 + late));
    std::vector<int64_t> times = Times(100 + late);
    times.insert(times.begin(), 1);
    leaf.Insert(0, Of(1));
    leaf.Reserve(kFull);
    while (leaf.size() < kFull) {
      const int64_t next = times.back() + 10;
      ASSERT_TRUE(leaf.TryAppend(Of(next))) << leaf.size();
      times.push_back(next);
    }
    EXPECT_FALSE(leaf.TryAppend(Of(times.back() + 10))) << late;
    ASSERT_NO_FATAL_FAILURE(ExpectSame(leaf, times)) << late;
  }
}

TEST(SampleLeaf, AppendsQuicklyOnlyWhatIsNearInTime) {
  SampleLeaf leaf;
  leaf.Reserve(8);
  leaf.Insert(0, Of(10));
  EXPECT_FALSE(leaf.TryAppend(Of(10 + kSpanMax + 1)));
  EXPECT_FALSE(leaf.TryAppend({At(20), 1, At(20 + 13 * kDayMs)})) << "the receive time is far away";
  EXPECT_FALSE(leaf.TryAppend({At(20), 1, At(20 - 13 * kDayMs)}));
  EXPECT_EQ(leaf.size(), 1u);
  EXPECT_TRUE(leaf.TryAppend(Of(10 + kSpanMax)));
  ExpectSame(leaf, {10, 10 + kSpanMax});
}

TEST(SampleLeaf, ReachesAsFarAs32BitsFromBothEnds) {
  const SampleLeaf leaf = LeafOf({0, kDayMs});
  EXPECT_TRUE(leaf.Reaches(At(kSpanMax)));
  EXPECT_FALSE(leaf.Reaches(At(kSpanMax + 1)));
  EXPECT_TRUE(leaf.Reaches(At(kDayMs - kSpanMax)));
  EXPECT_FALSE(leaf.Reaches(At(kDayMs - kSpanMax - 1)));
  EXPECT_TRUE(SampleLeaf().Reaches(At(100 * 365 * kDayMs)));
}

TEST(SampleLeaf, MovesItsBaseForWhatIsAtEitherEndOfItsReach) {
  SampleLeaf leaf = LeafOf({0, kDayMs});
  leaf.Insert(0, Of(kDayMs - kSpanMax));
  ExpectSame(leaf, {kDayMs - kSpanMax, 0, kDayMs});
  leaf.DropFront(2);
  // The base is still that of the sample that is gone.
  leaf.Insert(1, Of(kDayMs + kSpanMax));
  ExpectSame(leaf, {kDayMs, kDayMs + kSpanMax});
}

}  // namespace
}  // namespace alertjoin
