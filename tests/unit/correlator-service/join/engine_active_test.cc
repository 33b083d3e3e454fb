// The value at an alert's pending start: the rules, one test each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EngineActiveTest : public EngineTest {
 protected:
  TransitionEvent Fires(int64_t active_at, int64_t starts_at = 100) {
    return Since(active_at, Firing(kOne, starts_at, {binding_}));
  }
  TransitionEvent Ends(int64_t active_at, int64_t starts_at, int64_t ends_at) {
    return Since(active_at, Resolved(kOne, starts_at, ends_at, {binding_}));
  }

  Binding binding_ = BindOn("q");
};

TEST_F(EngineActiveTest, TheSameSeriesIsLookedUpAtThePendingStart) {
  Apply({Samples("q", kOne, {{50, 1}, {90, 2}})});
  EXPECT_THAT(Apply({Fires(60)}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q{i=\"1\"} MATCHED 2 @90 active 1 @50"));
}

TEST_F(EngineActiveTest, ASampleAtThePendingStartItselfCounts) {
  Apply({Samples("q", kOne, {{50, 1}, {60, 2}, {61, 3}}), Fires(60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 3 @61 active 2 @60"));
}

TEST_F(EngineActiveTest, StrictExcludesThePendingStartItself) {
  binding_.strict = true;
  Apply({Samples("q", kOne, {{50, 1}, {60, 2}}), Fires(60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @60 active 1 @50"));
  EXPECT_THAT(Apply({Samples("q", kOne, {{59, 3}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @60 "
                          "active 3 @59"));
}

TEST_F(EngineActiveTest, OnlyAMatchGivesAValue) {
  binding_.tolerance = Millis(10);
  Apply({Samples("q", kOne, {{50, 1}, {70, StaleMarker()}, {95, 2}})});
  Apply({Fires(61)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @95"));  // Too old.
  Apply({Fires(60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @95 active 1 @50"));
  Apply({Fires(49)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @95"));  // No sample.
}

TEST_F(EngineActiveTest, AStaleMarkerBeforeThePendingStartMeansNoValue) {
  Apply({Samples("q", kOne, {{50, 1}, {55, StaleMarker()}, {95, 2}}), Fires(60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @95"));
}

TEST_F(EngineActiveTest, ThereIsAValueWhateverTheMatchStateIs) {
  Apply({Samples("q", kOne, {{50, 1}, {95, StaleMarker()}}), Fires(60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} STALE @95 active 1 @50"));
}

TEST_F(EngineActiveTest, TheEarliestReportOfEitherStateCounts) {
  Apply({Samples("q", kOne, {{40, 1}, {60, 2}, {90, 3}}), Fires(70)});
  EXPECT_THAT(Apply({Fires(80), Firing(kOne, 100, {binding_})}), IsEmpty());
  EXPECT_THAT(Apply({Ends(50, 100, 120)}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @100 q{i=\"1\"} MATCHED 3 @90 "
                          "active 1 @40",
                          "UPSERT 1 ALERT RESOLVED @120 q{i=\"1\"} MATCHED 3 @90 active 1 @40"));
  EXPECT_THAT(Apply({Ends(60, 100, 120)}), IsEmpty());
  EXPECT_EQ(engine_.Rows()[0].transition->active_at, At(50));
}

TEST_F(EngineActiveTest, AnEarlierOneRevisesARowThatIsBoundToNothing) {
  Apply({Firing(kOne, 100, {})});
  EXPECT_THAT(Apply({Since(60, Firing(kOne, 100, {}))}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @100 UNBOUND final"));
  EXPECT_EQ(engine_.Rows()[0].transition->active_at, At(60));
}

TEST_F(EngineActiveTest, AMergedEpisodeHasTheEarliestUnlessItIsAfterItsStart) {
  Apply({Samples("q", kOne, {{40, 1}, {75, 2}}), Ends(90, 100, 120)});
  EXPECT_THAT(Rows(), ElementsAre("RESOLVED @120 q{i=\"1\"} MATCHED 2 @75 active 2 @75"));
  // Its interval reaches into the other: one episode, from 80 on.
  Apply({Resolved(kOne, 80, 110, {binding_})});
  EXPECT_THAT(Rows(), ElementsAre("RESOLVED @120 q{i=\"1\"} MATCHED 2 @75"));
  EXPECT_EQ(engine_.Rows()[0].transition->active_at, std::nullopt);
  Apply({Ends(70, 100, 120)});
  EXPECT_THAT(Rows(), ElementsAre("RESOLVED @120 q{i=\"1\"} MATCHED 2 @75 active 1 @40"));
}

TEST_F(EngineActiveTest, ALateSampleRevisesOnlyThePendingStartsUpToTheNextSample) {
  Apply({Samples("q", kOne, {{40, 1}, {90, 2}}), Fires(60)});
  EXPECT_THAT(Apply({Samples("q", kOne, {{61, 3}})}), IsEmpty());
  EXPECT_THAT(Apply({Samples("q", kOne, {{50, 4}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @90 "
                          "active 4 @50"));
  EXPECT_THAT(Apply({Samples("q", kOne, {{45, 5}})}), IsEmpty());
  EXPECT_THAT(Apply({Samples("q", kOne, {{60, 6}})}),
              ElementsAre("UPSERT 3 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @90 "
                          "active 6 @60"));
}

TEST_F(EngineActiveTest, ASampleThatDecidesBothMakesOneRevision) {
  Apply({Samples("q", kOne, {{40, 1}}), Fires(60)});
  EXPECT_THAT(Apply({Samples("q", kOne, {{55, 2}})}),
              ElementsAre("UPSERT 2 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @55 active 2 @55"));
}

TEST_F(EngineActiveTest, ARowIsFinalWhenProgressCoversBothMoments) {
  Apply({Samples("q", kOne, {{50, 1}, {90, 2}}), Fires(60)});
  EXPECT_THAT(Apply({Covered("q", 61, 100)}), IsEmpty());
  EXPECT_THAT(Apply({Covered("q", 51, 60)}), IsEmpty());
  EXPECT_THAT(Apply({Covered("q", 50, 50)}),
              ElementsAre("UPSERT 2 FINALIZED FIRING @100 q{i=\"1\"} MATCHED 2 @90 active 1 @50 "
                          "final"));
}

TEST_F(EngineActiveTest, WithoutAValueAllThatTheToleranceReachesMustBeCovered) {
  Apply({Samples("q", kOne, {{90, 2}}), Fires(60), Covered("q", -39, 100)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @90"));
  Apply({Covered("q", -40, -40)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @90 final"));
}

TEST_F(EngineActiveTest, AnEvaluatedQueryNeedsTheMomentsThemselvesAlone) {
  binding_.query.time_kind = TimeKind::kEvaluation;
  Apply({Fires(60), Samples("q", kOne, {{60, 1}, {100, 2}}), Covered("q", 100, 100)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @100 active 1 @60"));
  Apply({Covered("q", 60, 60)});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 2 @100 active 1 @60 final"));
}

TEST_F(EngineActiveTest, APendingStartLearntLateMakesAFinalRowProvisionalAgain) {
  Apply({Samples("q", kOne, {{90, 2}}), Firing(kOne, 100, {binding_}), Covered("q", 90, 100)});
  EXPECT_THAT(Apply({Fires(60)}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @100 q{i=\"1\"} MATCHED 2 @90"));
}

TEST_F(EngineActiveTest, AGapAtThePendingStartTakesTheFinalMarkBack) {
  Apply({Samples("q", kOne, {{50, 1}, {90, 2}}), Fires(60), Covered("q", 0, 200)});
  EXPECT_THAT(Apply({Gap{"prom", QueryNamed("q"), At(55), At(56), "dropped", true}}),
              ElementsAre("UPSERT 2 FINALIZED FIRING @100 q{i=\"1\"} MATCHED 2 @90 active 1 @50"));
}

TEST_F(EngineActiveTest, TheValueStaysWhenItsSamplesHaveExpired) {
  Apply({Samples("q", kOne, {{50, 1}, {90, 2}}), Fires(60), Covered("q", 0, 200)});
  EXPECT_THAT(engine_.Expire(At(95), At(0), At(0)), IsEmpty());
  // The event time is not from before the horizon.
  EXPECT_THAT(Apply({Samples("q", kOne, {{97, 3}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 3 @97 active 1 @50 "
                          "final"));
}

TEST_F(EngineActiveTest, APendingStartFromBeforeTheSamplesHasNoValueOfAnother) {
  Apply({Samples("q", kOne, {{40, 1}, {50, 2}, {90, 3}}), Fires(60)});
  (void)engine_.Expire(At(95), At(0), At(0));
  EXPECT_THAT(Apply({Fires(45)}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @100 q{i=\"1\"} MATCHED 3 @90"));
}

}  // namespace
}  // namespace alertjoin
