#include "correlator-service/rows/row_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/rows/row_store_fixture.h"

namespace alertjoin {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, RowStoreTest, AllStores(), StoreName);

RowSpec At(int id, int64_t seconds) {
  RowSpec spec;
  spec.id = id;
  spec.event_time = kRowsNow + std::chrono::seconds(seconds);
  return spec;
}

JoinedRow Deletion(RowSpec spec) {
  spec.operation = Operation::kDelete;
  spec.cause = Cause::kExpired;
  return MakeRow(spec);
}

TEST_P(RowStoreTest, IsEmptyAtSequenceZero) {
  EXPECT_EQ(store().newest(), Sequence(0));
  EXPECT_EQ(store().floor(), Sequence(0));
  EXPECT_TRUE(List().empty());
  EXPECT_EQ(store().Find(IdOf(1)), nullptr);
  EXPECT_TRUE(store().ReadChanges(Sequence(0), 10, 1000)->sets.empty());
  EXPECT_TRUE(store().Progress()->empty());
}

TEST_P(RowStoreTest, CommitOfNothingIsNoSequence) {
  EXPECT_EQ(Commit({}), Sequence(0));
  Commit({MakeRow(At(1, 0))});
  EXPECT_EQ(Commit({}), Sequence(1));
}

TEST_P(RowStoreTest, ChangesOfOneCommitShareASequence) {
  EXPECT_EQ(Commit({MakeRow(At(1, 0)), MakeRow(At(2, 0))}), Sequence(1));
  EXPECT_EQ(Commit({MakeRow(At(3, 0))}), Sequence(2));
  EXPECT_EQ(store().Find(IdOf(1))->sequence, Sequence(1));
  EXPECT_EQ(store().Find(IdOf(2))->sequence, Sequence(1));
  EXPECT_EQ(store().Find(IdOf(3))->sequence, Sequence(2));
  EXPECT_EQ(store().newest(), Sequence(2));
}

TEST_P(RowStoreTest, UpsertReplacesAndDeleteRemoves) {
  RowSpec spec = At(1, 0);
  Commit({MakeRow(spec)});
  spec.revision = 2;
  spec.value = 7;
  Commit({MakeRow(spec)});
  EXPECT_EQ(store().Find(IdOf(1))->revision, 2u);
  EXPECT_EQ(List(), Ids({1}));
  Commit({Deletion(spec)});
  EXPECT_EQ(store().Find(IdOf(1)), nullptr);
  EXPECT_TRUE(List().empty());
}

TEST_P(RowStoreTest, DeleteOfAnUnknownRowIsLeftOut) {
  EXPECT_EQ(Commit({Deletion(At(1, 0))}), Sequence(0));
  EXPECT_EQ(Commit({MakeRow(At(2, 0)), Deletion(At(1, 0))}), Sequence(1));
  const auto read = store().ReadChanges(Sequence(0), 10, 1 << 20);
  ASSERT_EQ(read->sets.size(), 1u);
  EXPECT_EQ(read->sets[0]->changes.size(), 1u);
}

TEST_P(RowStoreTest, ListsNewestFirstThenById) {
  Commit({MakeRow(At(3, 10)), MakeRow(At(1, 20)), MakeRow(At(4, 10)), MakeRow(At(2, 0))});
  for (size_t rows_per_page = 1; rows_per_page <= 5; ++rows_per_page) {
    EXPECT_EQ(List({}, rows_per_page), Ids({1, 3, 4, 2})) << rows_per_page;
  }
}

TEST_P(RowStoreTest, AmendedRowMovesInTheListing) {
  Commit({MakeRow(At(1, 10)), MakeRow(At(2, 20)), MakeRow(At(3, 30))});
  Commit({MakeRow(At(1, 25))});
  EXPECT_EQ(List(), Ids({3, 1, 2}));
  Commit({Deletion(At(1, 10))});  // As an older version had it.
  EXPECT_EQ(List(), Ids({3, 2}));
}

TEST_P(RowStoreTest, RangeHasItsBeginningButNotItsEnd) {
  Commit({MakeRow(At(1, 10)), MakeRow(At(2, 20)), MakeRow(At(3, 30)), MakeRow(At(4, 20))});
  const auto at = [](int64_t seconds) { return kRowsNow + std::chrono::seconds(seconds); };
  EXPECT_EQ(List({{}, at(20), {}}), Ids({3, 2, 4}));
  EXPECT_EQ(List({{}, {}, at(20)}), Ids({1}));
  EXPECT_EQ(List({{}, at(20), at(30)}), Ids({2, 4}));
  EXPECT_EQ(List({{}, at(20), at(20)}), Ids({}));
  EXPECT_EQ(List({{}, at(31), {}}), Ids({}));
  EXPECT_EQ(List({RowPosition{at(20), IdOf(2)}, {}, at(30)}), Ids({4, 1}));
  EXPECT_EQ(List({RowPosition{at(30), IdOf(3)}, {}, at(20)}), Ids({1}));
}

TEST_P(RowStoreTest, PageSaysWhetherThereIsMoreAndOfWhichSequence) {
  Commit({MakeRow(At(1, 10)), MakeRow(At(2, 20))});
  EXPECT_FALSE(store().ReadRows({}, 1).end);
  const RowPage page = store().ReadRows({}, 2);
  EXPECT_TRUE(page.end);
  EXPECT_EQ(page.sequence, Sequence(1));
}

TEST_P(RowStoreTest, ChangesNameTheVersionTheyReplace) {
  RowSpec spec = At(1, 0);
  Commit({MakeRow(spec)});
  spec.revision = 2;
  spec.final = true;
  spec.match_state = MatchState::kStale;
  Commit({MakeRow(spec)});
  Commit({Deletion(spec)});
  const auto read = store().ReadChanges(Sequence(0), 10, 1 << 20);
  ASSERT_EQ(read->sets.size(), 3u);
  EXPECT_EQ(read->sets[0]->changes[0].previous, nullptr);
  const JoinedRow& first = *read->sets[1]->changes[0].previous;
  EXPECT_FALSE(first.final);
  EXPECT_EQ(first.match.state, MatchState::kMatched);
  const JoinedRow& second = *read->sets[2]->changes[0].previous;
  EXPECT_TRUE(second.final);
  EXPECT_EQ(second.match.state, MatchState::kStale);
  EXPECT_EQ(read->sets[2]->changes[0].row->operation, Operation::kDelete);
  EXPECT_EQ(read->newest, Sequence(3));
}

TEST_P(RowStoreTest, EachGapHasASequenceBehindTheRows) {
  Gap first;
  first.reason = "first";
  Gap second;
  second.reason = "second";
  EXPECT_EQ(Commit({MakeRow(At(1, 0))}, {first, second}), Sequence(3));
  const auto read = store().ReadChanges(Sequence(0), 10, 1 << 20);
  ASSERT_EQ(read->sets.size(), 3u);
  EXPECT_FALSE(read->sets[0]->gap.has_value());
  EXPECT_EQ(read->sets[1]->gap->reason, "first");
  EXPECT_EQ(read->sets[2]->gap->reason, "second");
  EXPECT_TRUE(read->sets[2]->changes.empty());
}

TEST_P(RowStoreTest, ReadOfChangesIsBoundedButGivesAtLeastOneSet) {
  for (int id = 1; id <= 5; ++id) Commit({MakeRow(At(id, 0)), MakeRow(At(id + 10, 0))});
  EXPECT_EQ(store().ReadChanges(Sequence(0), 5, 1 << 20)->sets.size(), 2u);
  EXPECT_EQ(store().ReadChanges(Sequence(0), 1, 1 << 20)->sets.size(), 1u);
  EXPECT_EQ(store().ReadChanges(Sequence(0), 100, 1)->sets.size(), 1u);
  const auto last = store().ReadChanges(Sequence(4), 100, 1 << 20);
  ASSERT_EQ(last->sets.size(), 1u);
  EXPECT_EQ(last->sets[0]->sequence, Sequence(5));
  EXPECT_TRUE(store().ReadChanges(Sequence(5), 100, 1 << 20)->sets.empty());
}

TEST_P(RowStoreTest, LogDropsItsOldestBeyondTheCount) {
  Open({3, 1 << 20});
  for (int id = 1; id <= 5; ++id) Commit({MakeRow(At(id, 0))});
  EXPECT_EQ(store().floor(), Sequence(2));
  EXPECT_EQ(store().ReadChanges(Sequence(2), 10, 1 << 20)->sets.size(), 3u);
  EXPECT_THAT(store().ReadChanges(Sequence(1), 10, 1 << 20),
              StatusIs(absl::StatusCode::kOutOfRange, "reaches back to 2"));
  EXPECT_EQ(List().size(), 5u);  // The table keeps them.
}

TEST_P(RowStoreTest, LogDropsItsOldestBeyondTheBytesButKeepsTheNewest) {
  Open({1000, 1});
  Commit({MakeRow(At(1, 0))});
  Commit({MakeRow(At(2, 0))});
  EXPECT_EQ(store().floor(), Sequence(1));
  EXPECT_EQ(store().ReadChanges(Sequence(1), 10, 1 << 20)->sets.size(), 1u);
}

TEST_P(RowStoreTest, StoresHaveIdentitiesOfTheirOwn) {
  prometheus::Registry other_registry;
  const auto other = Make({}, other_registry, "/disk/other");
  EXPECT_EQ(store().store_id().size(), 32u);
  EXPECT_NE(store().store_id(), other->store_id());
}

TEST_P(RowStoreTest, ProgressIsWhatWasPublishedLast) {
  auto board = std::make_shared<const ProgressBoard>(1);
  store().PublishProgress(board);
  EXPECT_EQ(store().Progress(), board);
}

TEST_P(RowStoreTest, MetricsTellRowsChangesAndFloor) {
  Open({2, 1 << 20});
  Commit({MakeRow(At(1, 0)), MakeRow(At(2, 0))});
  Commit({Deletion(At(1, 0))});
  const std::string metrics = Metrics();
  for (const char* line :
       {"alertjoin_rows{state=\"matched\"} 1\n", "alertjoin_row_changes_total{cause=\"alert\"} 2\n",
        "alertjoin_row_changes_total{cause=\"expired\"} 1\n", "alertjoin_row_sequence 2\n",
        "alertjoin_change_log_changes 1\n", "alertjoin_change_log_floor 1\n"}) {
    EXPECT_THAT(metrics, testing::HasSubstr(line));
  }
}

TEST_P(RowStoreTest, MetricsTellOfRowsByStateAndOfThoseThatBecameFinal) {
  const auto of = [](int id, MatchState state, bool final, uint64_t revision) {
    RowSpec spec;
    spec.id = id;
    spec.match_state = state;
    spec.final = final;
    spec.revision = revision;
    return spec;
  };
  const auto row = [of](auto... arguments) { return MakeRow(of(arguments...)); };
  Open({10, 1 << 20});
  Commit({row(1, MatchState::kNoSeries, false, uint64_t{1}),
          row(2, MatchState::kStale, true, uint64_t{1}),
          row(3, MatchState::kUnbound, false, uint64_t{1})});
  Commit({row(1, MatchState::kMatched, false, uint64_t{2})});
  Commit({row(1, MatchState::kMatched, true, uint64_t{3})});
  Commit({row(1, MatchState::kTooOld, true, uint64_t{4})});  // A revision after final.
  Commit({Deletion(of(3, MatchState::kUnbound, false, 1))});
  const std::string metrics = Metrics();
  for (const char* line :
       {"alertjoin_rows{state=\"matched\"} 0\n", "alertjoin_rows{state=\"no_series\"} 0\n",
        "alertjoin_rows{state=\"no_sample\"} 0\n", "alertjoin_rows{state=\"too_old\"} 1\n",
        "alertjoin_rows{state=\"stale\"} 1\n", "alertjoin_rows{state=\"unbound\"} 0\n",
        "alertjoin_row_revisions_total 3\n",
        "alertjoin_rows_finalized_total{state=\"matched\"} 1\n",
        "alertjoin_rows_finalized_total{state=\"stale\"} 1\n",
        "alertjoin_rows_finalized_total{state=\"too_old\"} 0\n"}) {
    EXPECT_THAT(metrics, testing::HasSubstr(line));
  }
}

TEST_P(RowStoreTest, SignalIsRaisedByEveryCommit) {
  const auto signal = std::make_shared<ChangeSignal>();
  store().RaiseOnChange(signal);
  std::thread writer([this] { Commit({MakeRow(At(1, 0))}); });
  signal->Wait(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  EXPECT_EQ(store().newest(), Sequence(1));
  writer.join();
}

// A writer and readers at full speed: what a reader sees is always a table that was.
TEST_P(RowStoreTest, ReadersSeeWholeSequencesWhileTheWriterWrites) {
  constexpr int kRows = 20;
  constexpr uint64_t kCommits = 300;
  store();
  std::thread writer([this] {
    std::mt19937_64 random(TestSeed());
    for (uint64_t revision = 1; revision <= kCommits; ++revision) {
      std::vector<JoinedRow> changes;
      for (int id = 0; id < kRows; ++id) {
        RowSpec spec = At(id, static_cast<int64_t>(random() % 100));
        spec.revision = revision;
        changes.push_back(MakeRow(spec));
      }
      Commit(std::move(changes));
    }
  });
  Sequence seen;
  while (seen.value() < kCommits) {
    const RowPage page = store().ReadRows({}, kRows + 1);
    ASSERT_EQ(page.rows.size(), page.sequence.value() == 0 ? 0u : kRows);
    for (const SharedRow& row : page.rows) ASSERT_EQ(row->revision, page.sequence.value());
    const auto read = store().ReadChanges(seen, 50, 1 << 20);
    ASSERT_THAT(read, IsOk());
    for (const SharedChangeSet& set : read->sets) {
      ASSERT_EQ(set->sequence, seen.Next());
      ASSERT_EQ(set->changes.size(), static_cast<size_t>(kRows));
      seen = set->sequence;
    }
  }
  writer.join();
}

}  // namespace
}  // namespace alertjoin
