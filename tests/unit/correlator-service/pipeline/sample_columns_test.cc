#include "correlator-service/pipeline/sample_columns.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <numeric>
#include <random>

#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using storage::v1::SampleColumns;

struct Packed {
  v1::SampleBatch samples;
  SampleColumns columns;
};

// Series number n has the reference refs[n].
Packed Pack(const SampleBatch& batch, const std::vector<uint32_t>& refs) {
  Packed packed;
  PackColumns(batch, refs, &packed.samples, &packed.columns);
  return packed;
}

void ExpectBack(const SampleBatch& batch, const std::vector<uint32_t>& refs) {
  Packed packed = Pack(batch, refs);
  v1::SampleBatch& back = packed.samples;
  ASSERT_THAT(UnpackColumns(packed.columns, &back), IsOk());
  const auto count = static_cast<int>(batch.size());
  ASSERT_EQ(back.series_refs_size(), count);
  ASSERT_EQ(back.times_ms_size(), count);
  ASSERT_EQ(back.values_size(), count);
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    EXPECT_EQ(back.series_refs(i), refs[batch.series_index[at]]) << i;
    EXPECT_EQ(back.times_ms(i), batch.times[at].millis()) << i;
    EXPECT_EQ(std::bit_cast<uint64_t>(back.values(i)), std::bit_cast<uint64_t>(batch.values[at]))
        << i;
  }
}

// One sample of each series 0, 1, ... at one time.
SampleBatch BatchOf(const std::vector<double>& values) {
  SampleBatch batch;
  batch.values = values;
  batch.times.assign(values.size(), Timestamp::FromMillis(1'700'000'000'000));
  batch.series_index.resize(values.size());
  std::iota(batch.series_index.begin(), batch.series_index.end(), 0U);
  return batch;
}

std::vector<uint32_t> RefsFrom(uint32_t first, size_t count) {
  std::vector<uint32_t> refs(count);
  std::iota(refs.begin(), refs.end(), first);
  return refs;
}

TEST(SampleColumns, AScrapeOfWholeNumbersTakesEightBytesASample) {
  const SampleBatch batch = BatchOf(std::vector<double>(1'000, 7));
  const Packed packed = Pack(batch, RefsFrom(100'000, batch.size()));
  EXPECT_LT(packed.samples.ByteSizeLong() + packed.columns.ByteSizeLong(), 8'050u);
  ExpectBack(batch, RefsFrom(100'000, batch.size()));
}

TEST(SampleColumns, NoSampleIsNone) { ExpectBack({}, {}); }

TEST(SampleColumns, EveryValueComesBackBitByBit) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value :
       {0.0, -0.0, 1.0, -1.0, 0.5, 2147483647.0, 2147483648.0, 2147483647.5, -2147483648.0,
        -2147483649.0, 1e300, 5e-324, infinity, -infinity, nan, -nan, StaleMarker(),
        std::bit_cast<double>(uint64_t{0x7ff8000000000123})}) {
    ExpectBack(BatchOf({value}), {1});
    ExpectBack(BatchOf({3, value, 4}), {1, 2, 3});
  }
}

TEST(SampleColumns, TimesAsFarApartAsCanBeComeBack) {
  SampleBatch batch = BatchOf({1, 2, 3});
  constexpr int64_t kSpan = std::numeric_limits<uint32_t>::max();
  for (const int64_t span : {int64_t{0}, int64_t{1}, kSpan, kSpan + 1}) {
    for (const int64_t base : {int64_t{-5}, int64_t{1'700'000'000'000}}) {
      batch.times = {Timestamp::FromMillis(base + span), Timestamp::FromMillis(base),
                     Timestamp::FromMillis(base)};
      ExpectBack(batch, {1, 2, 3});
    }
  }
  batch.times = {Timestamp::Min(), Timestamp::Max(), Timestamp()};
  ExpectBack(batch, {1, 2, 3});
}

TEST(SampleColumns, AnyOrderOfSeriesComesBack) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<uint32_t> refs = RefsFrom(std::numeric_limits<uint32_t>::max() - 49, 50);
  for (int round = 0; round < 200; ++round) {
    SampleBatch batch = BatchOf(std::vector<double>(1 + random() % 40));
    // From neighbours all along to none at all.
    for (uint32_t& number : batch.series_index) {
      if (random() % 40 < static_cast<uint64_t>(round % 40)) {
        number = static_cast<uint32_t>(random() % refs.size());
      }
    }
    ExpectBack(batch, refs);
    if (round % 20 == 0) std::shuffle(refs.begin(), refs.end(), random);
  }
}

TEST(SampleColumns, RunsThatDoNotFitTheSamplesAreRefused) {
  const auto unpack = [](std::vector<uint32_t> firsts, std::vector<uint32_t> lengths) {
    SampleColumns columns;
    columns.mutable_run_first_refs()->Add(firsts.begin(), firsts.end());
    columns.mutable_run_lengths()->Add(lengths.begin(), lengths.end());
    for (uint32_t i = 0; i < 10; ++i) columns.add_time_offsets_ms(i);
    columns.set_base_time_ms(std::numeric_limits<int64_t>::max());
    v1::SampleBatch samples;
    return UnpackColumns(columns, &samples);
  };
  EXPECT_THAT(unpack({1}, {10}), IsOk());
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, "runs of references");
  EXPECT_THAT(unpack({1}, {11}), refused);
  EXPECT_THAT(unpack({1}, {UINT32_MAX}), refused);
  EXPECT_THAT(unpack({1, 2}, {6, 5}), refused);
  EXPECT_THAT(unpack({1, 2}, {6}), refused);
  EXPECT_THAT(unpack({UINT32_MAX}, {2}), refused);
}

}  // namespace
}  // namespace alertjoin
