// What every row store promises of alerts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/alerts.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/rows/row_store_fixture.h"

namespace alertjoin {
namespace {

class AlertsOfStoreTest : public RowStoreTest {
 protected:
  Sequence CommitAlerts(std::vector<AlertSpec> specs, std::vector<JoinedRow> changes = {}) {
    std::vector<Alert> alerts;
    for (const AlertSpec& spec : specs) alerts.push_back(MakeAlert(spec));
    return store().Commit({.changes = std::move(changes), .alerts = std::move(alerts)}).value();
  }
  // Ids in the order of listing, read in pages.
  std::vector<RowId> ListAlerts(RowRange range = {}, size_t alerts_per_page = 2) {
    std::vector<RowId> ids;
    for (;;) {
      const AlertPage page = store().ReadAlerts(range, alerts_per_page);
      EXPECT_LE(page.alerts.size(), alerts_per_page);
      for (const SharedAlert& alert : page.alerts) ids.push_back(alert->id);
      if (page.end) return ids;
      range.after = PositionOf(*page.alerts.back());
    }
  }
  std::vector<SharedChangeSet> Changes() {
    return store().ReadChanges(Sequence(0), 10'000, 1 << 30)->sets;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, AlertsOfStoreTest, AllStores(), StoreName);

AlertSpec From(int id, int64_t seconds) {
  AlertSpec spec;
  spec.id = id;
  spec.starts_at = kRowsNow + std::chrono::seconds(seconds);
  return spec;
}

TEST_P(AlertsOfStoreTest, AreListedNewestStartFirst) {
  CommitAlerts({From(3, 10), From(1, 20), From(4, 10), From(2, 0)});
  for (size_t page = 1; page <= 5; ++page) EXPECT_EQ(ListAlerts({}, page), Ids({1, 3, 4, 2}));
  const Timestamp at_10 = kRowsNow + std::chrono::seconds(10);
  EXPECT_EQ(ListAlerts({{}, {}, at_10}), Ids({2}));
  EXPECT_EQ(ListAlerts({{}, at_10, {}}), Ids({1, 3, 4}));
}

TEST_P(AlertsOfStoreTest, ShareTheSequenceOfTheRowsOfTheirCommit) {
  RowSpec row;
  EXPECT_EQ(CommitAlerts({From(1, 0)}, {MakeRow(row)}), Sequence(1));
  const auto sets = Changes();
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0]->changes.size(), 1u);
  ASSERT_EQ(sets[0]->alerts.size(), 1u);
  EXPECT_EQ(sets[0]->alerts[0].alert->sequence, Sequence(1));
  EXPECT_EQ(sets[0]->alerts[0].previous_state, std::nullopt);
}

TEST_P(AlertsOfStoreTest, ThatLookAsBeforeAreNoChange) {
  AlertSpec spec = From(1, 0);
  CommitAlerts({spec});
  EXPECT_EQ(CommitAlerts({spec}), Sequence(1));
  Alert nan = MakeAlert(spec);
  auto transition = std::make_shared<Transition>(*nan.transition);
  transition->reported_value = std::nan("");
  nan.transition = transition;
  EXPECT_EQ(store().Commit({.alerts = {nan}}).value(), Sequence(2));
  nan.transition = std::make_shared<Transition>(*transition);
  EXPECT_EQ(store().Commit({.alerts = {nan}}).value(), Sequence(2));
  transition = std::make_shared<Transition>(*transition);
  transition->reported_value = 1;
  nan.transition = transition;
  EXPECT_EQ(store().Commit({.alerts = {nan}}).value(), Sequence(3));
}

TEST_P(AlertsOfStoreTest, ChangesSayWhichStateTheyReplace) {
  AlertSpec spec = From(1, 0);
  CommitAlerts({spec});
  spec.ends_at = spec.starts_at + std::chrono::seconds(5);
  CommitAlerts({spec});
  Alert gone;
  gone.id = IdOf(1);
  gone.operation = Operation::kDelete;
  store().Commit({.alerts = {gone, MakeAlert(From(2, 1))}}).value();
  const auto sets = Changes();
  ASSERT_EQ(sets.size(), 3u);
  EXPECT_EQ(sets[1]->alerts[0].previous_state, AlertState::kFiring);
  ASSERT_EQ(sets[2]->alerts.size(), 2u);  // By position: the newest start first.
  EXPECT_EQ(sets[2]->alerts[0].alert->id, IdOf(2));
  const AlertChange& deleted = sets[2]->alerts[1];
  EXPECT_EQ(deleted.previous_state, AlertState::kResolved);
  EXPECT_EQ(deleted.alert->operation, Operation::kDelete);
  EXPECT_EQ(deleted.alert->ends_at(), spec.ends_at);  // As it last was.
  EXPECT_EQ(ListAlerts(), Ids({2}));
}

TEST_P(AlertsOfStoreTest, DeleteOfAnUnknownOneIsLeftOut) {
  AlertSpec gone = From(1, 0);
  gone.operation = Operation::kDelete;
  EXPECT_EQ(CommitAlerts({gone}), Sequence(0));
}

TEST_P(AlertsOfStoreTest, AmendedOneMovesInTheListing) {
  CommitAlerts({From(1, 10), From(2, 20), From(3, 30)});
  CommitAlerts({From(1, 25)});
  EXPECT_EQ(ListAlerts(), Ids({3, 1, 2}));
}

TEST_P(AlertsOfStoreTest, ThatAreTooManyForASequenceComeInSeveralBehindTheRows) {
  std::vector<AlertSpec> specs;
  for (int id = 1; id <= 1200; ++id) specs.push_back(From(id, id));
  RowSpec row;
  EXPECT_EQ(CommitAlerts(specs, {MakeRow(row)}), Sequence(4));
  const auto sets = Changes();
  ASSERT_EQ(sets.size(), 4u);
  EXPECT_EQ(sets[0]->changes.size(), 1u);
  EXPECT_TRUE(sets[0]->alerts.empty());
  EXPECT_EQ(sets[1]->alerts.size(), 500u);
  EXPECT_EQ(sets[2]->alerts.size(), 500u);
  EXPECT_EQ(sets[3]->alerts.size(), 200u);
  EXPECT_EQ(sets[1]->alerts[0].alert->id, IdOf(1200));
}

TEST_P(AlertsOfStoreTest, FoldedChangesAreTheTable) {
  RandomAlertWriter writer(store(), TestSeed());
  for (int i = 0; i < 200; ++i) writer.Commit();
  DescribedRows folded;
  for (const SharedChangeSet& set : Changes()) {
    for (const AlertChange& change : set->alerts) {
      const Alert& alert = *change.alert;
      ASSERT_EQ(change.previous_state.has_value(), folded.contains(alert.id));
      if (alert.operation == Operation::kDelete) {
        folded.erase(alert.id);
      } else {
        folded[alert.id] = Describe(alert);
      }
    }
    ASSERT_EQ(folded, writer.TableAt(set->sequence, {}));
  }
  DescribedRows listed;
  for (const SharedAlert& alert : store().ReadAlerts({}, 1000).alerts) {
    listed[alert->id] = Describe(*alert);
  }
  EXPECT_EQ(listed, folded);
}

TEST_P(AlertsOfStoreTest, MetricsCountThem) {
  CommitAlerts({From(1, 0), From(2, 0)});
  AlertSpec gone = From(1, 0);
  gone.operation = Operation::kDelete;
  CommitAlerts({gone});
  const std::string metrics = Metrics();
  for (const char* line :
       {"alertjoin_alerts 1\n", "alertjoin_alert_changes_total{operation=\"upsert\"} 2\n",
        "alertjoin_alert_changes_total{operation=\"delete\"} 1\n"}) {
    EXPECT_THAT(metrics, testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace alertjoin
