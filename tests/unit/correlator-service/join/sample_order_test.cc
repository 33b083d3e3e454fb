#include "correlator-service/join/sample_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

SampleBatch BatchOf(std::vector<uint32_t> numbers) {
  SampleBatch batch;
  batch.times.resize(numbers.size());
  batch.values.resize(numbers.size());
  batch.series_index = std::move(numbers);
  return batch;
}

// Number, batch, sample: of all samples in the order that is made.
using Listed = std::tuple<uint32_t, uint32_t, uint32_t>;

std::vector<Listed> List(const SampleOrder& order) {
  std::vector<Listed> all;
  for (size_t i = 0; i < order.series_count(); ++i) {
    for (const SampleOrder::Place place : order.places(i)) {
      all.emplace_back(order.first_number() + i, place.batch, place.sample);
    }
  }
  return all;
}

TEST(SampleOrder, IsNotMadeWhereHardlyASeriesHasTwoSamples) {
  SampleOrder order;
  EXPECT_FALSE(order.Make({}));
  const SampleBatch none = BatchOf({});
  const SampleBatch two = BatchOf({1, 2});
  const SampleBatch far = BatchOf({UINT32_MAX, 0, 0, 0});
  for (const SampleBatch* const batch : {&none, &two, &far}) {
    EXPECT_FALSE(order.Make({&batch, 1}));
  }
}

TEST(SampleOrder, HasTheSamplesOfEachSeriesInTheOrderInWhichTheyCame) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  SampleOrder order;
  for (int round = 0; round < 300; ++round) {
    const auto first = static_cast<uint32_t>(random() % 1'000);
    const auto series = static_cast<uint32_t>(1 + random() % 20);
    std::vector<SampleBatch> batches;
    std::vector<Listed> expected;
    const auto count = static_cast<uint32_t>(1 + random() % 5);
    for (uint32_t batch = 0; batch < count; ++batch) {
      std::vector<uint32_t> numbers;
      const auto samples = static_cast<uint32_t>(random() % 30);
      for (uint32_t i = 0; i < samples; ++i) {
        numbers.push_back(first + static_cast<uint32_t>(random() % series));
        expected.emplace_back(numbers.back(), batch, i);
      }
      batches.push_back(BatchOf(std::move(numbers)));
    }
    std::vector<const SampleBatch*> pointers;
    for (const SampleBatch& batch : batches) pointers.push_back(&batch);
    std::sort(expected.begin(), expected.end());
    if (order.Make(pointers)) {
      ASSERT_EQ(List(order), expected) << "round " << round;
    } else {
      ASSERT_LT(expected.size(), 2 * series) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace alertjoin
