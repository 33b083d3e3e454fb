// What is carried over when the log is trimmed: a restart ends with the tables that there were.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "correlator-service/join/table_reader.h"
#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

// The memory of all samples that the engine has.
uint64_t SampleBytes(const Engine& engine) {
  const TableReader reader(engine);
  uint64_t bytes = 0;
  for (const KnownSeries& known : reader.Series({}, SIZE_MAX, [](const Query&) { return true; })) {
    bytes += reader.Samples(known.place).ByteSize();
  }
  return bytes;
}

class EngineCarryTest : public EngineTest {};

TEST_F(EngineCarryTest, TheAccountOfMemoryIsRightWhateverComesAndGoes) {
  // More than a series has room for itself, on either side of the horizon and among what is late.
  std::vector<std::pair<int64_t, double>> older;
  std::vector<std::pair<int64_t, double>> newer;
  for (int64_t ms = 1; ms <= 40; ++ms) (ms % 2 == 0 ? older : newer).emplace_back(ms, 1);
  const SampleBatch late = Samples("q", kOne, older);
  Apply({Samples("q", kOne, newer)});
  Apply({late});
  const uint64_t before = engine_.stats().sample_bytes;
  EXPECT_GT(before, 0u);
  EXPECT_EQ(before, SampleBytes(engine_));
  (void)engine_.Expire(At(41), At(0), At(0));
  EXPECT_EQ(engine_.stats().sample_bytes, SampleBytes(engine_));

  Engine restarted{EngineLimits{}};
  (void)restarted.Apply({late}, At(0));
  EXPECT_GT(restarted.stats().sample_bytes, 0u);
  (void)restarted.Expire(At(41), At(0), At(0));
  restarted.Carry(engine_.CarryOver(At(40)));
  EXPECT_EQ(restarted.stats().sample_bytes, SampleBytes(restarted));
}

// A sample that stood in the rest of the log was once kept below the horizon beside the newest one
// there, and was the value of alerts from between them, whatever had been between them.
TEST_F(EngineCarryTest, BelowTheHorizonThereIsTheNewestSampleAlone) {
  const SampleBatch late = Samples("q", kOne, {{30, 3}});
  Apply({Samples("q", kOne, {{60, 6}, {90, 9}})});
  Apply({late});
  (void)engine_.Expire(At(100), At(0), At(0));

  Engine restarted{EngineLimits{}};
  (void)restarted.Apply({late}, At(0));
  (void)restarted.Expire(At(100), At(0), At(0));
  restarted.Carry(engine_.CarryOver(At(90)));

  const TransitionEvent alert = Firing(kOne, 70, {BindOn("q")});
  Apply({alert});
  (void)restarted.Apply({alert}, At(0));
  EXPECT_THAT(Rows(), ElementsAre("FIRING @70 q{i=\"1\"} NO_SAMPLE"));
  EXPECT_EQ(Describe(restarted.Rows()), Rows());
}

}  // namespace
}  // namespace alertjoin
