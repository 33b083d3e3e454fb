// What is carried over when the log is trimmed: a restart ends with the tables that there were.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

class EngineCarryTest : public EngineTest {};

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
  EXPECT_EQ(restarted.stats().sample_bytes, engine_.stats().sample_bytes);

  const TransitionEvent alert = Firing(kOne, 70, {BindOn("q")});
  Apply({alert});
  (void)restarted.Apply({alert}, At(0));
  EXPECT_THAT(Rows(), ElementsAre("FIRING @70 q{i=\"1\"} NO_SAMPLE"));
  EXPECT_EQ(Describe(restarted.Rows()), Rows());
}

}  // namespace
}  // namespace alertjoin
