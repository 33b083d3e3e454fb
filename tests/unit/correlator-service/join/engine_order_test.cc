// The order of what one batch changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

const LabelSet kTwo{{"i", "2"}};
const LabelSet kThree{{"i", "3"}};

TEST_F(EngineTest, SamplesComeBeforeTheTransitionsOfTheirBatchWhichKeepTheirOrder) {
  Apply({Firing(kOne, 100, {BindOn("q")}), Samples("q", kOne, {{90, 1}})});
  // What was touched by the sample stands first, though its event came last; and neither of the
  // others had to be said to have no series.
  EXPECT_THAT(Apply({Firing(kThree, 102, {BindOn("q")}), Firing(kTwo, 101, {BindOn("q")}),
                     Samples("q", kTwo, {{80, 2}}), Samples("q", kThree, {{80, 3}}),
                     Samples("q", kOne, {{95, 4}})}),
              ElementsAre("UPSERT 2 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 4 @95",
                          "UPSERT 1 ALERT FIRING @102 q{i=\"3\"} MATCHED 3 @80",
                          "UPSERT 1 ALERT FIRING @101 q{i=\"2\"} MATCHED 2 @80"));
}

TEST_F(EngineTest, WhatIsNeitherSampleNorTransitionKeepsItsPlace) {
  Apply({Firing(kOne, 100, {BindOn("q")}), Samples("q", kOne, {{90, 1}})});
  EXPECT_THAT(Apply({Covered("q", 0, 150), Firing(kTwo, 101, {BindOn("q")}),
                     Samples("q", kTwo, {{80, 2}})}),
              ElementsAre("UPSERT 2 FINALIZED FIRING @100 q{i=\"1\"} MATCHED 1 @90 final",
                          "UPSERT 1 ALERT FIRING @101 q{i=\"2\"} MATCHED 2 @80 final"));
}

}  // namespace
}  // namespace alertjoin
