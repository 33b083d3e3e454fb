// Which report of a transition its rows show, when its sender and reconciliation both reported it.

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "correlator-service/join/engine_restore.h"
#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TransitionEvent Found(TransitionEvent event) {
  event.origin = Origin::kReconciliation;
  return event;
}

TransitionEvent Sent(TransitionEvent event, const std::string& summary) {
  event.origin = Origin::kAlertmanagerWebhook;
  event.annotations = {{"summary", summary}};
  event.reported_value = 7;
  event.notification.receiver = "team";
  return event;
}

class EngineReportTest : public EngineTest {
 protected:
  // Each row, with what is shown of the report.
  std::vector<std::string> Shown() {
    std::vector<std::string> texts;
    for (const JoinedRow& row : engine_.Rows()) {
      const Transition& shown = *row.transition;
      const bool found = shown.origin == Origin::kReconciliation;
      texts.push_back(Describe(row) +
                      (found ? " found" : " sent by " + shown.notification.receiver) +
                      ToString(shown.annotations));
    }
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  const TransitionEvent firing_ = Firing({{"i", "1"}}, 100, {BindOn("q")});
  const TransitionEvent resolved_ = Resolved({{"i", "1"}}, 100, 110, {BindOn("q")});
};

TEST_F(EngineReportTest, WhatIsSentLaterReplacesWhatWasFound) {
  Apply({Samples("q", {{"i", "1"}}, {{90, 1}})});
  const auto before = engine_.Apply(std::vector<Event>{Found(Since(95, firing_))}, At(1));
  const auto after = engine_.Apply(std::vector<Event>{Sent(firing_, "deep")}, At(2));
  ASSERT_EQ(before.size(), 1u);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_EQ(DescribeChange(after[0]),
            "UPSERT 2 ALERT_AMENDED FIRING @100 q{i=\"1\"} MATCHED 1 @90 active 1 @90");
  EXPECT_EQ(after[0].transition->origin, Origin::kAlertmanagerWebhook);
  EXPECT_EQ(after[0].transition->reported_value, 7);
  // Which only reconciliation knows.
  EXPECT_EQ(after[0].transition->active_at, At(95));
  EXPECT_THAT(Shown(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 1 @90 active 1 @90 sent by team"
                                   "{summary=\"deep\"}"));
}

TEST_F(EngineReportTest, WhatIsFoundLaterReplacesNothing) {
  Apply({Sent(firing_, "deep")});
  EXPECT_THAT(Apply({Found(firing_)}), IsEmpty());
  EXPECT_THAT(Shown(), ElementsAre("FIRING @100 q NO_SERIES sent by team{summary=\"deep\"}"));
}

TEST_F(EngineReportTest, OfTwoThatWereSentTheFirstStays) {
  Apply({Found(firing_), Sent(firing_, "deep")});
  EXPECT_THAT(Apply({Sent(firing_, "deeper"), Found(firing_)}), IsEmpty());
  EXPECT_THAT(Shown(), ElementsAre("FIRING @100 q NO_SERIES sent by team{summary=\"deep\"}"));
}

TEST_F(EngineReportTest, EachSideHasTheReportOfItsOwn) {
  Apply({Found(firing_), Found(resolved_)});
  EXPECT_THAT(Apply({Sent(resolved_, "over")}),
              ElementsAre("UPSERT 2 ALERT_AMENDED RESOLVED @110 q NO_SERIES"));
  EXPECT_THAT(Shown(), ElementsAre("FIRING @100 q NO_SERIES found{}",
                                   "RESOLVED @110 q NO_SERIES sent by team{summary=\"over\"}"));
}

// Alertmanager may know a later start than the history has.
TEST_F(EngineReportTest, OfAMergedEpisodeToo) {
  Apply({Found(Resolved({{"i", "1"}}, 80, 105, {BindOn("q")}))});
  Apply({Sent(resolved_, "over")});
  EXPECT_THAT(Shown(), ElementsAre("RESOLVED @110 q NO_SERIES sent by team{summary=\"over\"}"));
  EXPECT_EQ(engine_.Rows()[0].transition->starts_at, At(80));
  // What was sent of the earliest start comes first, though no time changes.
  EXPECT_THAT(Apply({Sent(Resolved({{"i", "1"}}, 80, 105, {BindOn("q")}), "first")}),
              ElementsAre("UPSERT 2 ALERT_AMENDED RESOLVED @110 q NO_SERIES"));
  EXPECT_THAT(Shown(), ElementsAre("RESOLVED @110 q NO_SERIES sent by team{summary=\"first\"}"));
}

// It equals nothing, but is the same for readers.
TEST_F(EngineReportTest, AReportThatIsNotANumberIsNoAmendmentOfItself) {
  TransitionEvent event = Sent(Since(95, firing_), "deep");
  event.reported_value = std::nan("");
  event.reported_values = {{"A", std::nan("")}};
  Apply({event});
  TransitionEvent later = event;
  later.active_at.reset();
  later.received_time = At(200);
  EXPECT_THAT(Apply({later, event}), IsEmpty());
}

TEST_F(EngineReportTest, TheAlertIsNotedAnew) {
  Apply({Found(firing_)});
  EXPECT_EQ(engine_.TakeAlerts().size(), 1u);
  TransitionEvent later = Sent(firing_, "deep");
  later.received_time = At(130);
  Apply({later});
  const std::vector<Alert> alerts = engine_.TakeAlerts();
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].received_time, At(100)) << "when it was first heard of";
  EXPECT_EQ(alerts[0].transition->annotations.Get("summary"), "deep");
  Apply({Found(firing_)});
  EXPECT_THAT(engine_.TakeAlerts(), IsEmpty());
}

TEST_F(EngineReportTest, AnAmendmentOfARestoredRowIsOne) {
  const auto before = engine_.Apply(std::vector<Event>{Found(Since(95, firing_))}, At(1));
  ASSERT_EQ(before.size(), 1u);
  Engine restored{EngineLimits{}};
  EngineRestore restore(restored);
  for (const AlertReport& report : engine_.ChangedReports()) restore.AddReport(report);
  restore.EndReports();
  JoinedRow row = before[0];
  ASSERT_TRUE(restore.AddRow(row).ok());
  const auto after = restored.Apply(std::vector<Event>{Sent(firing_, "deep")}, At(2));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(DescribeChange(after[0]), "UPSERT 2 ALERT_AMENDED FIRING @100 q NO_SERIES");
  EXPECT_THAT(restored.Apply({}, At(3)), IsEmpty());
}

// In one batch the episode is part of another, is made anew with an earlier start, and has in the
// end the one that readers know.
TEST_F(EngineReportTest, ARowThatWentAndCameBackTheSameIsNoChange) {
  const LabelSet labels = {{"i", "1"}};
  Apply({firing_, resolved_, Firing(labels, 150, {BindOn("q")})});
  const auto changes = Apply(
      {FiringHeard(labels, 90, 200, {BindOn("q")}), FiringHeard(labels, 98, 105, {BindOn("q")}),
       Resolved(labels, 90, 95, {BindOn("q")}), Resolved(labels, 98, 99, {BindOn("q")})});
  // The rows of the two starts that are new, and nothing of the others.
  EXPECT_THAT(changes, UnorderedElementsAre("UPSERT 1 ALERT FIRING @90 q NO_SERIES",
                                            "UPSERT 1 ALERT RESOLVED @95 q NO_SERIES",
                                            "UPSERT 1 ALERT FIRING @98 q NO_SERIES",
                                            "UPSERT 1 ALERT RESOLVED @99 q NO_SERIES"));
}

}  // namespace
}  // namespace alertjoin
