#include "correlator-service/verify/verify_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/eventlog/memory_event_log.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/apply_round.h"
#include "correlator-service/rows/durable_row_store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/join_events.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A log, and beside it the rows that an engine made of it, before a test changes them.
class VerifyRowsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RowDatabase::Options options;
    options.folder = "/disk/rows";
    options.env = EnvOver(std::make_shared<FaultDisk>());
    auto database = RowDatabase::Open(std::move(options));
    ASSERT_THAT(database, IsOk());
    database_ = *std::move(database);
    store_ = std::make_unique<DurableRowStore>(registry_, *database_);
  }
  void Do(Round round) {
    const auto position = rounds_.Append(round);
    ASSERT_THAT(position, IsOk());
    ASSERT_THAT(store_->Commit(ApplyRound(engine_, *position, std::move(round))), IsOk());
  }
  void Do(std::vector<Event> events) { Do({At(0), {}, std::move(events), {}, {}}); }
  void DoUsual() {
    Do({Samples("q", {{"i", "1"}}, {{90, 1}, {120, 2}}), Covered("q", 0, 100)});
    Do({Firing({{"i", "1"}}, 100, {BindOn("q")}), Firing({{"i", "2"}}, 100, {BindOn("q")}),
        Resolved({{"i", "1"}}, 100, 130, {BindOn("q")}), Firing({{"i", "3"}}, 100, {})});
  }
  // With all that may be known besides: a pending start, and why a query has no series.
  void DoMore() {
    Do({Samples("q", {{"i", "1"}}, {{50, 1}, {90, 2}}), Covered("q", 0, 100),
        Refused("p", 80, "bad"), Refused("p", 70, "worse")});
    Do({Since(60, Firing({{"i", "1"}}, 100, {BindOn("q"), BindOn("p")})),
        Since(40, Resolved({{"i", "1"}}, 100, 100, {BindOn("q")}))});
  }
  // A version of the only row whose text has this in it, as a fault of ours would have left it.
  void Damage(const std::string& which, const std::function<void(JoinedRow&)>& change) {
    for (const SharedRow& row : store_->ReadRows({}, 100).rows) {
      if (Describe(*row).find(which) == std::string::npos) continue;
      JoinedRow damaged = *row;
      ++damaged.revision;
      change(damaged);
      ASSERT_THAT(store_->Commit({.changes = {std::move(damaged)}}), IsOk());
      return;
    }
    FAIL() << which;
  }
  // A change of the only alert whose fingerprint this is, as a fault of ours would have told it.
  void DamageAlert(const std::string& fingerprint, const std::function<void(Transition&)>& change,
                   Operation operation = Operation::kUpsert) {
    for (const SharedAlert& alert : store_->ReadAlerts({}, 100).alerts) {
      if (alert->transition->fingerprint != fingerprint) continue;
      Alert damaged = *alert;
      auto told = std::make_shared<Transition>(*alert->transition);
      change(*told);
      damaged.transition = std::move(told);
      damaged.operation = operation;
      ASSERT_THAT(store_->Commit({.alerts = {std::move(damaged)}}), IsOk());
      return;
    }
    FAIL() << fingerprint;
  }
  // Of the alert whose label `i` is this.
  std::string FingerprintOf(const std::string& label) {
    for (const SharedAlert& alert : store_->ReadAlerts({}, 100).alerts) {
      if (alert->transition->labels.Get("i") == label) return alert->transition->fingerprint;
    }
    return "none";
  }
  Verification Verify() {
    RoundLog again(log_, {});
    auto verified = VerifyRows(again, *database_);
    EXPECT_THAT(verified, IsOk());
    return verified.ok() ? *std::move(verified) : Verification();
  }

  MemoryEventLog log_{1 << 20};
  RoundLog rounds_{log_, {}};
  Engine engine_{EngineLimits{}};
  prometheus::Registry registry_;
  std::unique_ptr<RowDatabase> database_;
  std::unique_ptr<DurableRowStore> store_;
};

TEST_F(VerifyRowsTest, SoundRowsAgree) {
  DoUsual();
  const Verification found = Verify();
  EXPECT_THAT(found.examples, ElementsAre());
  EXPECT_EQ(found.rows, 4u);
  EXPECT_EQ(found.rows_compared, 4u);
  EXPECT_EQ(found.alerts, 3u);
  EXPECT_EQ(found.episodes_compared, 3u);
  EXPECT_EQ(found.records, 2u);
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
  EXPECT_THAT(VerifyRows(again, *database_),
              StatusIs(absl::StatusCode::kFailedPrecondition, "start the service"));
}

}  // namespace
}  // namespace alertjoin
