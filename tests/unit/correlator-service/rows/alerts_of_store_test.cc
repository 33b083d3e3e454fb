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
}

// Seconds of the hours 0, 1, ... behind kRowsNow, which is the beginning of one.
AlertSpec Between(int id, int64_t from, int64_t to) {
  AlertSpec spec = From(id, from);
  spec.ends_at = kRowsNow + std::chrono::seconds(to);
  return spec;
}

TEST_P(AlertsOfStoreTest, HoursThatWereOverAreNotRead) {
  constexpr int64_t kHour = 3600;
  CommitAlerts({Between(1, 0, 10), Between(2, kHour, kHour + 10), Between(3, kHour + 1, 4 * kHour),
                Between(4, 2 * kHour, 2 * kHour + 1), From(5, 3 * kHour),
                Between(6, 3 * kHour + 1, 3 * kHour + 2), Between(7, 4 * kHour, 4 * kHour),
                Between(8, 5 * kHour, 5 * kHour)});
  const auto fired_since = [&](int64_t seconds) {
    RowRange range;
    range.from = kRowsNow + std::chrono::seconds(seconds);
    for (size_t page = 1; page <= 9; ++page) EXPECT_EQ(ListAlerts(range, page), ListAlerts(range));
    return ListAlerts(range);
  };
  EXPECT_EQ(fired_since(-kHour), ListAlerts());
  // Hour 3 has one that lasts, hour 1 one that ended late.
  EXPECT_EQ(fired_since(4 * kHour - 1), Ids({8, 7, 6, 5, 3, 2}));
  EXPECT_EQ(fired_since(4 * kHour), Ids({8, 7, 6, 5}));
  EXPECT_EQ(fired_since(6 * kHour), Ids({6, 5}));
  // It ends, and goes.
  CommitAlerts({Between(5, 3 * kHour, 3 * kHour + 3)});
  EXPECT_EQ(fired_since(6 * kHour), Ids({}));
  AlertSpec gone = Between(5, 3 * kHour, 3 * kHour + 3);
  gone.operation = Operation::kDelete;
  CommitAlerts({gone});
  EXPECT_EQ(fired_since(3 * kHour), Ids({8, 7, 6, 3, 2}));
}

// Whatever is amended, ends or goes: none is left out that had not been over.
TEST_P(AlertsOfStoreTest, WhatWasNotOverIsAlwaysRead) {
  std::mt19937_64 random(TestSeed());
  constexpr int64_t kSecondsMax = 20 * 3600;
  for (int round = 0; round < 200; ++round) {
    AlertSpec spec =
        From(static_cast<int>(random() % 30), static_cast<int64_t>(random() % kSecondsMax));
    if (random() % 4 != 0) spec.ends_at = spec.starts_at + std::chrono::seconds(random() % 9000);
    if (random() % 5 == 0) spec.operation = Operation::kDelete;
    CommitAlerts({spec});
    RowRange range;
    range.from = kRowsNow + std::chrono::seconds(random() % kSecondsMax);
    if (random() % 2 == 0) range.to = *range.from + std::chrono::seconds(random() % 9000);
    std::vector<RowId> wanted;
    for (const SharedAlert& alert : store().ReadAlerts({}, 100).alerts) {
      if (FiredWithin(*alert, range.from, range.to)) wanted.push_back(alert->id);
    }
    const std::vector<RowId> read = ListAlerts(range, 1 + random() % 5);
    // In the same order, and perhaps with others between them.
    auto next = read.begin();
    for (const RowId& id : wanted) {
      next = std::find(next, read.end(), id);
      ASSERT_NE(next, read.end()) << "left out: " << ToHex(id);
    }
  }
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
