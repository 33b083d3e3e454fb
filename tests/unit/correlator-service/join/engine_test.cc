// The rules of the as-of join, one test each.

#include "correlator-service/join/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/join_events.h"
#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(EngineTest, JoinsTheNewestSampleAtOrBeforeTheEventTime) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {100, 2}, {101, 3}})});
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q{i=\"1\"} MATCHED 2 @100"));
}

TEST_F(EngineTest, StrictExcludesTheEventTimeItself) {
  Binding binding = BindOn("q");
  binding.strict = true;
  Apply({Firing({{"i", "1"}}, 100, {binding}), Samples("q", {{"i", "1"}}, {{90, 1}})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{100, 2}})}), IsEmpty());
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{99, 3}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 3 @99"));
}

TEST_F(EngineTest, FirstAfterAddsTheNextValue) {
  Binding binding = BindOn("q");
  binding.first_after = true;
  Apply({Firing({{"i", "1"}}, 100, {binding}), Samples("q", {{"i", "1"}}, {{90, 1}})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{120, 2}})}),
              ElementsAre("UPSERT 2 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 1 @90 next 2 @120"));
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{110, 3}})}),
              ElementsAre("UPSERT 3 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 1 @90 next 3 @110"));
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{130, 4}})}), IsEmpty());
}

TEST_F(EngineTest, EachSeriesOfAQueryHasItsRow) {
  Apply({Samples("q", {{"i", "1"}, {"device", "a"}}, {{100, 1}}),
         Samples("q", {{"i", "1"}, {"device", "b"}}, {{100, 2}}),
         Samples("q", {{"i", "2"}, {"device", "a"}}, {{100, 3}})});
  EXPECT_THAT(
      Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}),
      UnorderedElementsAre("UPSERT 1 ALERT FIRING @100 q{device=\"a\", i=\"1\"} MATCHED 1 @100",
                           "UPSERT 1 ALERT FIRING @100 q{device=\"b\", i=\"1\"} MATCHED 2 @100"));
}

TEST_F(EngineTest, WithoutSeriesThereIsOneRowWhichTheFirstSeriesRetires) {
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q NO_SERIES"));
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{95, 7}})}),
              ElementsAre("DELETE 2 SAMPLE FIRING @100 q NO_SERIES",
                          "UPSERT 1 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 7 @95"));
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 7 @95"));
}

TEST_F(EngineTest, AnAlertBoundToNothingHasOneFinalRow) {
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 UNBOUND final"));
}

TEST_F(EngineTest, ToleranceIsInclusive) {
  Apply({Samples("q", {{"i", "1"}}, {{100, 1}}), Samples("q", {{"i", "2"}}, {{99, 1}})});
  Apply({Firing({{"i", "1"}}, 200, {BindOn("q")}), Firing({{"i", "2"}}, 200, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @200 q{i=\"1\"} MATCHED 1 @100",
                                  "FIRING @200 q{i=\"2\"} TOO_OLD @99"));
}

TEST_F(EngineTest, OnlyLaterSamplesMeansNoSample) {
  Apply({Samples("q", {{"i", "1"}}, {{101, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} NO_SAMPLE"));
}

TEST_F(EngineTest, AStaleMarkerEndsTheSeriesUntilTheNextSample) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {95, StaleMarker()}, {105, 2}}),
         Firing({{"i", "1"}}, 100, {BindOn("q")}),
         Resolved({{"i", "1"}}, 100, 105, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} STALE @95",
                                  "RESOLVED @105 q{i=\"1\"} MATCHED 2 @105"));
}

TEST_F(EngineTest, NanAndInfinityAreValues) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  Apply({Samples("q", {{"i", "1"}}, {{100, nan}}), Samples("q", {{"i", "2"}}, {{100, -infinity}}),
         Firing({{"i", "1"}}, 100, {BindOn("q")}), Firing({{"i", "2"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED nan @100",
                                  "FIRING @100 q{i=\"2\"} MATCHED -inf @100"));
}

TEST_F(EngineTest, ALateSampleRevisesOnlyTheRowsUpToTheNextSample) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {110, 2}}), Firing({{"i", "1"}}, 100, {BindOn("q")}),
         Resolved({{"i", "1"}}, 100, 115, {BindOn("q")})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{97, 5}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 5 @97"));
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{95, 6}, {111, 7}})}),
              ElementsAre("UPSERT 2 SAMPLE RESOLVED @115 q{i=\"1\"} MATCHED 7 @111"));
}

TEST_F(EngineTest, OneBatchMakesOneRevisionOfARow) {
  Apply({Firing({{"i", "1"}}, 100, {BindOn("q")}), Samples("q", {{"i", "1"}}, {{80, 1}})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{85, 2}, {90, 3}}),
                     Samples("q", {{"i", "1"}}, {{95, 4}}), Covered("q", 0, 100)}),
              ElementsAre("UPSERT 2 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 4 @95 final"));
}

TEST_F(EngineTest, AtOneTimeTheLaterEventWinsAndARepeatIsNoChange) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{90, 1}})}), IsEmpty());
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{90, 2}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @90"));
}

TEST_F(EngineTest, ARepeatedTransitionIsNoChange) {
  const auto event = Firing({{"i", "1"}}, 100, {BindOn("q")});
  Apply({event});
  EXPECT_THAT(Apply({event, event}), IsEmpty());
  EXPECT_EQ(engine_.stats().notifications_repeated, 2u);
}

TEST_F(EngineTest, ALaterEndAmendsTheEpisode) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {115, 2}}),
         Resolved({{"i", "1"}}, 100, 110, {BindOn("q")})});
  EXPECT_THAT(Apply({Resolved({{"i", "1"}}, 100, 120, {BindOn("q")})}),
              ElementsAre("UPSERT 2 ALERT_AMENDED RESOLVED @120 q{i=\"1\"} MATCHED 2 @115"));
  EXPECT_THAT(Apply({Resolved({{"i", "1"}}, 100, 110, {BindOn("q")})}), IsEmpty());
}

TEST_F(EngineTest, AnEarlierStartAmendsTheEpisodeAndKeepsTheRow) {
  Apply({Samples("q", {{"i", "1"}}, {{80, 1}, {95, 2}})});
  const auto before =
      engine_.Apply(std::vector<Event>{Firing({{"i", "1"}}, 100, {BindOn("q")})}, At(1));
  const auto after =
      engine_.Apply(std::vector<Event>{FiringHeard({{"i", "1"}}, 85, 130, {BindOn("q")})}, At(2));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_EQ(DescribeChange(after[0]), "UPSERT 2 ALERT_AMENDED FIRING @85 q{i=\"1\"} MATCHED 1 @80");
}

TEST_F(EngineTest, ALateFiringReopensNothing) {
  Apply({Resolved({{"i", "1"}}, 100, 110, {BindOn("q")})});
  EXPECT_THAT(Apply({FiringHeard({{"i", "1"}}, 100, 150, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q NO_SERIES"));
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q NO_SERIES", "RESOLVED @110 q NO_SERIES"));
}

// Two servers that send one alert under the same labels, of which one saw it end and begin again
// while for the other it went on.
TEST_F(EngineTest, WhatBeganAfterTheEndGoesOnThoughAnotherSpansBoth) {
  Apply({Firing({{"i", "1"}}, 100, {BindOn("q")}),
         FiringHeard({{"i", "1"}}, 105, 110, {BindOn("q")}),
         Resolved({{"i", "1"}}, 100, 220, {BindOn("q")}),
         FiringHeard({{"i", "1"}}, 250, 260, {BindOn("q")})});
  Apply({FiringHeard({{"i", "1"}}, 105, 285, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q NO_SERIES"));
  const std::vector<Alert> alerts = engine_.TakeAlerts();
  ASSERT_FALSE(alerts.empty());
  for (const Alert& alert : alerts) {
    if (alert.operation == Operation::kDelete) continue;
    EXPECT_EQ(alert.ends_at(), std::nullopt);
  }
  Apply({Resolved({{"i", "1"}}, 105, 300, {BindOn("q")}),
         Resolved({{"i", "1"}}, 250, 310, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q NO_SERIES", "RESOLVED @310 q NO_SERIES"));
}

TEST_F(EngineTest, ANewEpisodeOfTheSameAlertHasItsOwnRows) {
  Apply({Firing({{"i", "1"}}, 100, {BindOn("q")}), Resolved({{"i", "1"}}, 100, 110, {BindOn("q")}),
         Firing({{"i", "1"}}, 120, {BindOn("q")})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q NO_SERIES", "FIRING @120 q NO_SERIES",
                                  "RESOLVED @110 q NO_SERIES"));
}

TEST_F(EngineTest, ARowIsFinalOnceProgressCoversItsSampleToItsTime) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Apply({Covered("q", 0, 99)}), IsEmpty());
  EXPECT_THAT(Apply({Covered("q", 100, 100)}),
              ElementsAre("UPSERT 2 FINALIZED FIRING @100 q{i=\"1\"} MATCHED 1 @90 final"));
}

TEST_F(EngineTest, ProgressThatBeginsBehindTheSampleMakesNothingFinal) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Apply({Covered("q", 91, 200)}), IsEmpty());
}

TEST_F(EngineTest, ARevisionAfterFinalIsMadeAndCounted) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")}),
         Covered("q", 0, 100)});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{95, 2}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 2 @95 final"));
  EXPECT_EQ(engine_.stats().revisions_after_final, 1u);
}

TEST_F(EngineTest, AnAlertsOwnExpressionJoinsTheSeriesThatContradictNoLabel) {
  Apply({Samples("q", {{"__name__", "q"}, {"i", "1"}, {"device", "a"}}, {{90, 1}}),
         Samples("q", {{"__name__", "q"}, {"i", "1"}, {"device", "b"}}, {{90, 2}}),
         Samples("q", {{"__name__", "q"}}, {{90, 3}})});
  Apply({Firing({{"__name__", "x"}, {"i", "1"}, {"device", "a"}, {"severity", "page"}}, 100,
                {BindAgreeing("q")})});
  EXPECT_THAT(Rows(), UnorderedElementsAre(
                          "FIRING @100 q{__name__=\"q\", device=\"a\", i=\"1\"} MATCHED 1 @90",
                          "FIRING @100 q{__name__=\"q\"} MATCHED 3 @90"));
}

TEST_F(EngineTest, AnEmptyOnJoinsAGlobalMetric) {
  Apply({Samples("q", {{"zone", "x"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q", {})})});
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{zone=\"x\"} MATCHED 1 @90"));
}

TEST_F(EngineTest, AnAbsentLabelEqualsAnEmptyOne) {
  Apply({Samples("q", {{"zone", "x"}}, {{90, 1}}), Samples("q", {{"i", ""}}, {{90, 2}}),
         Firing({{"a", "1"}}, 100, {BindOn("q", {"i"})})});
  EXPECT_THAT(Rows(), UnorderedElementsAre("FIRING @100 q{zone=\"x\"} MATCHED 1 @90",
                                           "FIRING @100 q{i=\"\"} MATCHED 2 @90"));
}

TEST_F(EngineTest, ABindingThatComesLaterReplacesTheUnboundRow) {
  Apply({Firing({{"i", "1"}}, 100, {})});
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}),
              ElementsAre("DELETE 2 ALERT_AMENDED FIRING @100 UNBOUND final",
                          "UPSERT 1 ALERT_AMENDED FIRING @100 q NO_SERIES"));
}

TEST_F(EngineTest, AnotherBindingOfTheSameQueryRevisesTheRowInPlace) {
  Binding wide = BindOn("q");
  wide.tolerance = Millis(10);
  Apply({Samples("q", {{"i", "1"}}, {{80, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {wide})}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @100 q{i=\"1\"} TOO_OLD @80"));
  // Whichever of the two came first, the rows are the same.
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}), IsEmpty());
}

TEST_F(EngineTest, AmongBindingsWithNotANumberTheSameOneCountsInEitherOrder) {
  Binding nan = BindOn("q");
  nan.threshold = std::numeric_limits<double>::quiet_NaN();
  Binding number = BindOn("q");
  number.threshold = 1;
  const auto counts = [&](const Binding& first, const Binding& second) {
    Engine engine(EngineLimits{});
    engine.Apply({Firing({{"i", "1"}}, 100, {first})}, At(1));
    engine.Apply({Firing({{"i", "1"}}, 100, {second})}, At(2));
    return engine.Rows().at(0).binding->threshold;
  };
  EXPECT_EQ(counts(nan, number), 1);
  EXPECT_EQ(counts(number, nan), 1);
  // The same binding again is no news.
  Apply({Firing({{"i", "1"}}, 100, {nan})});
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {nan})}), IsEmpty());
}

TEST_F(EngineTest, AnEpisodeSwallowedAndFreedInOneBatchIsNoChange) {
  Apply({Samples("q", {{"i", "1"}}, {{9, 1}, {49, 2}}), Firing({{"i", "1"}}, 10, {BindOn("q")}),
         Firing({{"i", "1"}}, 50, {BindOn("q")})});
  // Heard as firing at 60, the first episode reaches into the second, until its end is known.
  EXPECT_THAT(Apply({FiringHeard({{"i", "1"}}, 10, 60, {BindOn("q")}),
                     Resolved({{"i", "1"}}, 10, 20, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT RESOLVED @20 q{i=\"1\"} MATCHED 1 @9"));
}

TEST_F(EngineTest, TheNextValueIsLookedForBehindStaleMarkers) {
  Binding binding = BindOn("q");
  binding.first_after = true;
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {110, StaleMarker()}, {130, 3}}),
         Firing({{"i", "1"}}, 100, {binding})});
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{120, 2}})}),
              ElementsAre("UPSERT 2 LATE_SAMPLE FIRING @100 q{i=\"1\"} MATCHED 1 @90 next 2 @120"));
}

TEST_F(EngineTest, ExpiryDeletesOldRowsAndKeepsWhatLookUpsNeed) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {95, 2}, {140, 3}}),
         Firing({{"i", "1"}}, 100, {BindOn("q")}), Resolved({{"i", "1"}}, 100, 110, {BindOn("q")}),
         Firing({{"i", "1"}}, 150, {BindOn("q")})});
  std::vector<std::string> changes;
  for (const JoinedRow& row : engine_.Expire(At(120), At(120), At(1))) {
    changes.push_back(DescribeChange(row));
  }
  EXPECT_THAT(changes,
              UnorderedElementsAre("DELETE 2 EXPIRED FIRING @100 q{i=\"1\"} MATCHED 2 @95",
                                   "DELETE 2 EXPIRED RESOLVED @110 q{i=\"1\"} MATCHED 2 @95"));
  EXPECT_THAT(Rows(), ElementsAre("FIRING @150 q{i=\"1\"} MATCHED 3 @140"));
  // The sample at 95 still answers for 120 to 139; older events are refused.
  EXPECT_THAT(Apply({Firing({{"i", "1"}, {"a", "2"}}, 130, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT FIRING @130 q{i=\"1\"} MATCHED 2 @95"));
  EXPECT_THAT(Apply({Samples("q", {{"i", "1"}}, {{119, 9}}), Firing({{"i", "1"}}, 119, {})}),
              IsEmpty());
  EXPECT_EQ(engine_.stats().samples_expired, 1u);
  EXPECT_EQ(engine_.stats().notifications_expired, 1u);
}

TEST_F(EngineTest, ARowKeepsItsMatchWhenItsSamplesHaveExpired) {
  Apply(
      {Samples("q", {{"i", "1"}}, {{90, 1}, {115, 2}}), Firing({{"i", "1"}}, 100, {BindOn("q")})});
  engine_.Expire(At(120), At(0), At(1));
  // Neither progress nor an amendment looks for samples that are gone.
  EXPECT_THAT(Apply({Covered("q", 0, 200)}), IsEmpty());
  EXPECT_THAT(Apply({FiringHeard({{"i", "1"}}, 95, 130, {BindOn("q")})}),
              ElementsAre("UPSERT 2 ALERT_AMENDED FIRING @95 q{i=\"1\"} MATCHED 1 @90"));
}

TEST_F(EngineTest, TheEarliestTimeOfAllIsATimeAsOthersAre) {
  const int64_t earliest = Timestamp::Min().millis();
  Apply({Samples("q", {{"i", "1"}}, {{earliest, 1}}), Covered("q", earliest, earliest)});
  EXPECT_THAT(Describe(engine_.Rows()), IsEmpty());
}

TEST_F(EngineTest, AStrictLookUpAtTheHorizonFindsTheSampleBeforeIt) {
  Binding binding = BindOn("q");
  binding.strict = true;
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}, {100, 2}})});
  engine_.Expire(At(100), At(0), At(1));
  EXPECT_THAT(Apply({Firing({{"i", "1"}}, 100, {binding})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q{i=\"1\"} MATCHED 1 @90"));
}

TEST(EngineLimits, SeriesBeyondTheLimitAreRefusedAndCounted) {
  Engine engine(EngineLimits{.series_max = 1, .rows_max = 10});
  const std::vector<Event> events{Samples("q", {{"i", "1"}}, {{90, 1}}),
                                  Samples("q", {{"i", "2"}}, {{90, 1}, {91, 1}}),
                                  Firing({{"i", "2"}}, 100, {BindOn("q")})};
  const auto changes = engine.Apply(events, At(1));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(Describe(changes[0]), "FIRING @100 q NO_SERIES");
  EXPECT_EQ(engine.stats().samples_refused, 2u);
}

}  // namespace
}  // namespace alertjoin
