#include "correlator-service/verify/log_alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/join_events.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"
#include "tests/unit/correlator-service/verify/verify_fixture.h"

namespace alertjoin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What is in the log and was never applied.
class LogAlertsTest : public VerifyTest {};

// What the rows are compared with was once the reports alone, so that an alert of which no report
// was made was not missed.
TEST_F(LogAlertsTest, AnAlertOfWhichNothingWasKeptIsFound) {
  DoUsual();
  Lose({Firing({{"alertname", "DiskFull"}, {"i", "4"}}, 100, {BindOn("q")})});
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre(AllOf(HasSubstr("(DiskFull)"), HasSubstr("of am from"),
                                                HasSubstr("nothing was kept of it"))));
  EXPECT_EQ(found.differences, 1u);
  EXPECT_EQ(found.starts_compared, 4u);
}

TEST_F(LogAlertsTest, AnAlertThatIsGoneWithAllThatWasKeptOfItIsFound) {
  DoUsual();
  DamageReport("3", [](AlertReport& report) { report.firing.reset(); });
  Damage("UNBOUND", [](JoinedRow& row) { row.operation = Operation::kDelete; });
  DamageAlert(
      FingerprintOf("3"), [](Transition&) {}, Operation::kDelete);
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("FIRING is in the log, and nothing")));
}

TEST_F(LogAlertsTest, AnotherStartOfAKnownAlertIsFound) {
  DoUsual();
  Lose({Resolved({{"i", "3"}}, 200, 230, {})});
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("RESOLVED is in the log, and nothing")));
}

TEST_F(LogAlertsTest, AnEndThatWasNotTakenIsFound) {
  DoUsual();
  Lose({Resolved({{"i", "3"}}, 100, 150, {})});
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("RESOLVED is in the log, and was not")));
}

TEST_F(LogAlertsTest, AnAmendmentThatWasNotTakenIsFound) {
  DoUsual();
  Lose({Resolved({{"i", "1"}}, 100, 140, {BindOn("q")})});
  EXPECT_THAT(Verify().examples, ElementsAre(AllOf(HasSubstr("ends at 1970-01-01T00:00:00.14"),
                                                   HasSubstr("an end at 1970-01-01T00:00:00.13"))));
}

TEST_F(LogAlertsTest, APendingStartThatWasNotTakenIsFound) {
  DoUsual();
  Lose({Since(60, Firing({{"i", "1"}}, 100, {BindOn("q")}))});
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("an earlier pending start in the log")));
}

TEST_F(LogAlertsTest, ANotificationThatItStillFiresAndThatWasNotTakenIsFound) {
  DoUsual();
  Lose({FiringHeard({{"i", "2"}}, 100, 170, {BindOn("q")})});
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("was reported as firing at")));
}

// Of the alert that was heard of before the horizon and came back after it, the rows begin anew.
TEST_F(LogAlertsTest, WhatIsOlderThanTheRowsIsNotMissed) {
  DoUsual();
  Round expiry;
  expiry.horizons = {Timestamp::Min(), At(120)};
  Do(std::move(expiry));
  Do({Resolved({{"i", "2"}}, 100, 150, {BindOn("q")}), Firing({{"i", "5"}}, 110, {})});
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.maybe_refused, 0u);
  EXPECT_EQ(found.starts_compared, 0u);
}

// The end that made the alert expire was in what has been trimmed; the notification that came late
// is still there.
TEST_F(LogAlertsTest, WhatMayHaveEndedInTheTrimmedPartOfTheLogIsNotMissed) {
  Do({Resolved({{"i", "1"}}, 100, 110, {})});
  Round late{At(3'600'000), {}, {}, {}, {}};  // Begins a segment.
  late.events = {FiringHeard({{"i", "1"}}, 100, 130, {}), FiringHeard({{"i", "2"}}, 125, 130, {})};
  Do(std::move(late));
  Round expiry;
  expiry.horizons = {Timestamp::Min(), At(120)};
  Do(std::move(expiry));
  ASSERT_THAT(log_.Trim(LogPosition(2)), IsOk());
  EXPECT_THAT(Verify().examples, ElementsAre());
  EXPECT_EQ(Verify().starts_compared, 1u);
  // Its report is made anew of what comes later.
  Do({Resolved({{"i", "1"}}, 100, 140, {})});
  EXPECT_THAT(Verify().examples, ElementsAre());
}

TEST_F(LogAlertsTest, RandomHistoriesThatExpireAgree) {
  RandomHistory history(TestSeed());
  size_t compared = 0;
  for (int64_t horizon = 0; horizon < 90; horizon += 5) {
    for (const Event& event : history.Make(true)) Do({event});
    Round expiry;
    expiry.horizons = {Timestamp::Min(), At(horizon)};
    Do(std::move(expiry));
    const Verification found = Verify();
    ASSERT_THAT(found.examples, ElementsAre()) << horizon;
    compared += found.starts_compared;
  }
  EXPECT_GT(compared, 0u);
}

// What of the alerts the trimmed part of the log had said, nobody can tell any more.
TEST_F(LogAlertsTest, RandomHistoriesOverTrimmedLogsAgree) {
  RandomHistory history(TestSeed());
  size_t compared = 0;
  for (int64_t horizon = 0; horizon < 90; horizon += 5) {
    const LogPosition segment = log_.bounds().next;
    for (const Event& event : history.Make(true)) {
      if (TransitionOf(event) == nullptr) continue;
      TransitionEvent unbound = *TransitionOf(event);
      unbound.bindings.clear();
      // Each time is in a segment of its own.
      Do({At(horizon * 3'600'000), {}, {std::move(unbound)}, {}, {}});
    }
    Do({At(horizon * 3'600'000), Horizons{Timestamp::Min(), At(horizon)}, {}, {}, {}});
    if (history.Upto(2) == 0) {
      ASSERT_THAT(log_.Trim(segment), IsOk());
    }
    const Verification found = Verify();
    ASSERT_THAT(found.examples, ElementsAre()) << horizon;
    compared += found.starts_compared;
  }
  EXPECT_GT(compared, 0u);
}

TEST_F(LogAlertsTest, WhatMayHaveBeenRefusedAtTheLimitOfASourceIsNoDifference) {
  SetLimits({.source_alerts_max = 2});
  Do({Firing({{"i", "1"}}, 100, {}), Firing({{"i", "2"}}, 100, {}), Firing({{"i", "3"}}, 100, {})});
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.maybe_refused, 1u);
  EXPECT_THAT(found.maybe_refused_example, HasSubstr("nothing was kept of it"));
  limits_.source_alerts_max = 3;
  EXPECT_EQ(Verify().differences, 1u);
}

TEST_F(LogAlertsTest, RandomHistoriesAtALimitAgree) {
  SetLimits({.source_alerts_max = 2});
  RandomHistory history(TestSeed());
  uint64_t maybe_refused = 0;
  for (int64_t horizon = 0; horizon < 90; horizon += 5) {
    for (const Event& event : history.Make(true)) Do({event});
    Round expiry;
    expiry.horizons = {Timestamp::Min(), At(horizon)};
    Do(std::move(expiry));
    const Verification found = Verify();
    ASSERT_THAT(found.examples, ElementsAre()) << horizon;
    maybe_refused += found.maybe_refused;
  }
  EXPECT_GT(maybe_refused, 0u);
}

TEST_F(LogAlertsTest, WhatMayHaveBeenRefusedAtTheLimitOfRowsIsNoDifference) {
  SetLimits({.rows_max = 2});
  // The second alert has no room for the row of its second series.
  Do({Samples("q", {{"i", "1"}}, {{90, 1}}), Samples("q", {{"i", "2"}, {"x", "1"}}, {{90, 1}}),
      Samples("q", {{"i", "2"}, {"x", "2"}}, {{90, 1}})});
  Do({Firing({{"i", "1"}}, 100, {BindOn("q")}), Firing({{"i", "2"}}, 100, {BindOn("q")}),
      Firing({{"i", "3"}}, 100, {})});
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.maybe_refused, 2u);
  limits_.rows_max = 3;
  EXPECT_EQ(Verify().differences, 2u);
}

// At the limit once, and no longer.
TEST_F(LogAlertsTest, WhatWasRefusedBeforeOthersWereRemovedIsNoDifference) {
  SetLimits({.rows_max = 2});
  Do({Firing({{"i", "1"}}, 100, {}), Firing({{"i", "2"}}, 100, {}), Firing({{"i", "3"}}, 200, {})});
  Round expiry;
  expiry.horizons = {Timestamp::Min(), At(120)};
  Do(std::move(expiry));
  const Verification found = Verify();
  EXPECT_EQ(found.rows, 0u);
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.maybe_refused, 1u);
}

}  // namespace
}  // namespace alertjoin
