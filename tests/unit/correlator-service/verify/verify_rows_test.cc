#include "correlator-service/verify/verify_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status/status.h"
#include "tests/support/join_events.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/verify/verify_fixture.h"

namespace alertjoin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VerifyRowsTest : public VerifyTest {};

TEST_F(VerifyRowsTest, SoundRowsAgree) {
  DoUsual();
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.rows, 4u);
  EXPECT_EQ(found.rows_compared, 4u);
  EXPECT_EQ(found.alerts, 3u);
  EXPECT_EQ(found.episodes_compared, 3u);
  EXPECT_EQ(found.records, 2u);
  EXPECT_EQ(found.starts_compared, 3u);
}

TEST_F(VerifyRowsTest, AnotherValueIsFound) {
  DoUsual();
  Damage("RESOLVED", [](JoinedRow& row) { row.match.value = 1; });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("has another sample")));
}

TEST_F(VerifyRowsTest, SoundRowsWithAPendingStartAgree) {
  DoMore();
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.rows_compared, 3u);
}

TEST_F(VerifyRowsTest, AnotherValueAtThePendingStartIsFound) {
  DoMore();
  Damage("FIRING @100 q", [](JoinedRow& row) {
    row.match.value_at_active = 1;
    row.match.active_sample_time = At(40);
  });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("at or before its pending start")));
}

TEST_F(VerifyRowsTest, AnotherPendingStartIsFound) {
  DoMore();
  Damage("FIRING @100 q", [](JoinedRow& row) {
    auto other = std::make_shared<Transition>(*row.transition);
    other->active_at = At(60);
    row.transition = std::move(other);
  });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("has another pending start")));
}

TEST_F(VerifyRowsTest, AnotherQueryErrorIsFound) {
  DoMore();
  Damage("FIRING @100 p", [](JoinedRow& row) { row.match.query_error = nullptr; });
  EXPECT_THAT(Verify().examples,
              ElementsAre(HasSubstr("has the query error \"\", should have \"bad\"")));
}

TEST_F(VerifyRowsTest, AFinalMarkWithoutProgressAtThePendingStartIsFound) {
  Do({Samples("q", {{"i", "1"}}, {{50, 1}, {90, 2}}), Covered("q", 90, 100),
      Since(60, Firing({{"i", "1"}}, 100, {BindOn("q")}))});
  Damage("FIRING", [](JoinedRow& row) { row.final = true; });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("no progress says so")));
}

TEST_F(VerifyRowsTest, APendingStartFromBeforeTheSamplesIsNotCompared) {
  DoMore();
  Round expiry;
  expiry.horizons = {At(95), Timestamp::Min()};
  Do(std::move(expiry));
  Damage("FIRING @100 q", [](JoinedRow& row) { row.match.value_at_active = 7; });
  EXPECT_THAT(Verify().examples, ElementsAre());
}

TEST_F(VerifyRowsTest, AnotherMatchStateIsFound) {
  DoUsual();
  Damage("RESOLVED", [](JoinedRow& row) { row.match.state = MatchState::kStale; });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("has match state 5, should have 1")));
}

TEST_F(VerifyRowsTest, AMissingRowIsFound) {
  DoUsual();
  Damage("NO_SERIES", [](JoinedRow& row) { row.operation = Operation::kDelete; });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("is missing")));
}

TEST_F(VerifyRowsTest, ARowTooManyIsFound) {
  DoUsual();
  Damage("UNBOUND", [](JoinedRow& row) {
    row.id.bytes[0] ^= 1;
    auto other = std::make_shared<Transition>(*row.transition);
    other->fingerprint = "of nobody";
    row.transition = std::move(other);
  });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("should not be there")));
}

TEST_F(VerifyRowsTest, AnAlertThatIsToldWronglyIsFound) {
  DoUsual();
  DamageAlert(FingerprintOf("1"), [](Transition& told) { told.ends_at = At(131); });
  EXPECT_THAT(Verify().examples,
              ElementsAre(AllOf(HasSubstr("alert"), HasSubstr("should end at"))));
  DamageAlert(FingerprintOf("1"), [](Transition& told) {
    told.state = AlertState::kFiring;
    told.ends_at.reset();
  });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("is FIRING, should be RESOLVED")));
}

TEST_F(VerifyRowsTest, AnotherPendingStartOfAnAlertIsFound) {
  DoMore();
  EXPECT_THAT(Verify().examples, ElementsAre());
  DamageAlert(FingerprintOf("1"), [](Transition& told) { told.active_at = At(99); });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("has its pending start at")));
}

TEST_F(VerifyRowsTest, AnAlertThatWasRemovedIsFound) {
  DoUsual();
  DamageAlert(
      FingerprintOf("2"), [](Transition&) {}, Operation::kDelete);
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("is missing")));
}

TEST_F(VerifyRowsTest, AnAlertTooManyIsFound) {
  DoUsual();
  Alert more = *store_->ReadAlerts({}, 1).alerts[0];
  more.id.bytes[0] ^= 1;
  auto other = std::make_shared<Transition>(*more.transition);
  ASSERT_THAT(store_->Commit({.alerts = {more}}), IsOk());
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("is there twice")));
  other->fingerprint = "of nobody";
  more.transition = std::move(other);
  ASSERT_THAT(store_->Commit({.alerts = {more}}), IsOk());
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("should not be there")));
}

// Episodes that were amended, merged and moved are told as the reports say.
TEST_F(VerifyRowsTest, AmendedEpisodesAgree) {
  Do({Firing({{"i", "1"}}, 100, {}), Resolved({{"i", "1"}}, 100, 130, {})});
  Do({Firing({{"i", "1"}}, 90, {}), Resolved({{"i", "1"}}, 90, 140, {})});
  Do({Resolved({{"i", "2"}}, 100, 120, {}), Firing({{"i", "2"}}, 100, {})});
  Do({Firing({{"i", "2"}}, 150, {}), Resolved({{"i", "2"}}, 110, 160, {})});
  EXPECT_THAT(Verify().examples, ElementsAre());
}

TEST_F(VerifyRowsTest, AnEpisodeThatGoesOnThroughALaterPartAgrees) {
  Do({Firing({{"i", "1"}}, 100, {}), FiringHeard({{"i", "1"}}, 105, 285, {}),
      Resolved({{"i", "1"}}, 100, 220, {}), FiringHeard({{"i", "1"}}, 250, 260, {})});
  EXPECT_THAT(Verify().examples, ElementsAre());
  Do({Resolved({{"i", "1"}}, 250, 300, {}), Resolved({{"i", "1"}}, 105, 290, {})});
  EXPECT_THAT(Verify().examples, ElementsAre());
}

TEST_F(VerifyRowsTest, RandomHistoriesAgree) {
  RandomHistory history(TestSeed());
  size_t compared = 0;
  for (int round = 0; round < 20; ++round) {
    for (const Event& event : history.Make(true)) Do({event});
    const Verification found = Verify();
    ASSERT_THAT(found.examples, ElementsAre()) << round;
    compared += found.episodes_compared;
  }
  EXPECT_GT(compared, 0u);
  EXPECT_GT(Verify().starts_compared, 0u);
  EXPECT_EQ(Verify().maybe_refused, 0u);
}

TEST_F(VerifyRowsTest, AFinalMarkWithoutProgressIsFound) {
  DoUsual();
  Damage("RESOLVED", [](JoinedRow& row) { row.final = true; });
  EXPECT_THAT(Verify().examples, ElementsAre(HasSubstr("no progress says so")));
}

TEST_F(VerifyRowsTest, RowsFromBeforeTheSamplesAreCountedApart) {
  DoUsual();
  Round expiry;
  expiry.horizons = {At(125), Timestamp::Min()};
  Do(std::move(expiry));
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.rows_compared, 1u);
  EXPECT_EQ(found.rows_kept, 3u);
}

TEST_F(VerifyRowsTest, RowsThatAreBehindTheLogAreNotCompared) {
  DoUsual();
  Round round;
  ASSERT_THAT(rounds_.Append(round), IsOk());
  RoundLog again(log_, {});
  EXPECT_THAT(VerifyRows(again, *database_, limits_),
              StatusIs(absl::StatusCode::kFailedPrecondition, "start the service"));
}

}  // namespace
}  // namespace alertjoin
