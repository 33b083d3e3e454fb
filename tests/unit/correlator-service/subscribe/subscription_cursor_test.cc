#include "correlator-service/subscribe/subscription_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/store_decorator.h"
#include "tests/unit/correlator-service/subscribe/cursor_fixture.h"

namespace alertjoin {
namespace {

TEST_F(SubscriptionCursorTest, LiveEmptyTableCompletesItsSnapshotAtOnce) {
  SubscriptionCursor cursor = Subscribe();
  const auto started = NextBody<StartedMessage>(cursor);
  EXPECT_EQ(started.store_id, store().store_id());
  EXPECT_EQ(started.sequence, Sequence(0));
  EXPECT_EQ(NextBody<SnapshotCompleteMessage>(cursor).sequence, Sequence(0));
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kIdle);
  Commit({Row(1)});
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries.size(), 1u);
}

// --- One by one ---

TEST_F(SubscriptionCursorTest, SnapshotComesNewestFirst) {
  Commit({Row(1, 10), Row(2, 30), Row(3, 20)});
  SubscriptionCursor cursor = Subscribe({}, {2, 1 << 20});
  NextBody<StartedMessage>(cursor);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(2), IdOf(3)}));
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(1)}));
  EXPECT_EQ(NextBody<SnapshotCompleteMessage>(cursor).sequence, Sequence(1));
}

TEST_F(SubscriptionCursorTest, SnapshotReachesBackAsFarAsItsWindow) {
  RowSpec old = Row(1);
  old.event_time = kRowsNow - std::chrono::hours(24) - Millis(1);
  RowSpec edge = Row(2);
  edge.event_time = kRowsNow - std::chrono::hours(24);
  Commit({old, edge});
  SubscriptionCursor cursor = Subscribe();
  NextBody<StartedMessage>(cursor);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(2)}));
  NextBody<SnapshotCompleteMessage>(cursor);
  // Changes come however old their rows are.
  old.revision = 2;
  Commit({old});
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(1)}));

  SubscriptionArguments wide;
  wide.snapshot_window = std::chrono::days(3650);
  SubscriptionCursor other = Subscribe(wide);
  NextBody<StartedMessage>(other);
  EXPECT_EQ(NextBody<RowsMessage>(other).entries.size(), 2u);
}

TEST_F(SubscriptionCursorTest, LiveOnlyGivesNoSnapshot) {
  Commit({Row(1)});
  SubscriptionArguments arguments;
  arguments.live_only = true;
  SubscriptionCursor cursor = Subscribe(arguments);
  EXPECT_EQ(NextBody<StartedMessage>(cursor).sequence, Sequence(1));
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kIdle);
  Commit({Row(2)});
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(2)}));
}

TEST_F(SubscriptionCursorTest, RowChangedDuringTheSnapshotComesFromTheLogOnly) {
  Commit({Row(1, 30), Row(2, 20), Row(3, 10)});
  SubscriptionCursor cursor = Subscribe({}, {1, 1 << 20});
  NextBody<StartedMessage>(cursor);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(1)}));
  RowSpec amended = Row(2, 40);  // Moves behind the cursor's back.
  amended.revision = 2;
  RowSpec deleted = Row(3, 10);
  deleted.operation = Operation::kDelete;
  deleted.revision = 2;
  Commit({amended, deleted, Row(4, 5)});
  const auto changes = NextBody<RowsMessage>(cursor);
  EXPECT_EQ(IdsOf(changes), (std::vector<RowId>{IdOf(2), IdOf(3), IdOf(4)}));
  EXPECT_EQ(changes.entries[1].operation, Operation::kDelete);
  EXPECT_EQ(NextBody<SnapshotCompleteMessage>(cursor).sequence, Sequence(2));
}

TEST_F(SubscriptionCursorTest, AtomicSequenceIsSentWholeBeyondTheLimit) {
  SubscriptionCursor cursor = Subscribe({}, {2, 1});
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  Commit({Row(1), Row(2), Row(3)});
  Commit({Row(4)});
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries.size(), 3u);
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries.size(), 1u);
}

TEST_F(SubscriptionCursorTest, SequencesShareAMessageWithinItsLimits) {
  SubscriptionCursor cursor = Subscribe({}, {3, 1 << 20});
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  Commit({Row(1), Row(2)});
  Commit({Row(3)});
  Commit({Row(4)});
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries.size(), 3u);
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries.size(), 1u);
}

TEST_F(SubscriptionCursorTest, RowThatLeavesTheFilterIsDeleted) {
  SubscriptionArguments arguments;
  arguments.filter.final_only = true;
  SubscriptionCursor cursor = Subscribe(arguments);
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  RowSpec row = Row(1);
  Commit({row});
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kIdle);  // Not final: never shown.
  row.final = true;
  row.revision = 2;
  Commit({row});
  EXPECT_EQ(NextBody<RowsMessage>(cursor).entries[0].operation, Operation::kUpsert);
  row.final = false;
  row.revision = 3;
  Commit({row});
  const auto left = NextBody<RowsMessage>(cursor);
  EXPECT_EQ(left.entries[0].operation, Operation::kDelete);
  EXPECT_EQ(left.entries[0].row->revision, 3u);
  row.operation = Operation::kDelete;
  Commit({row});
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kIdle);  // Gone for it already.
}

TEST_F(SubscriptionCursorTest, GapComesInItsPlaceAndNotAgain) {
  SubscriptionCursor cursor = Subscribe();
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  Commit({Row(1)});
  CommitGap("");
  Commit({Row(2)});
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(cursor)), (std::vector<RowId>{IdOf(1)}));
  const SubscriptionMessage gap = Next(cursor);
  EXPECT_TRUE(std::holds_alternative<GapMessage>(gap.body));
  SubscriptionArguments resumed;
  resumed.resume_token = gap.resume_token;
  SubscriptionCursor other = Subscribe(resumed);
  NextBody<StartedMessage>(other);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(other)), (std::vector<RowId>{IdOf(2)}));
}

TEST_F(SubscriptionCursorTest, GapOfAnotherQueryIsNoConcern) {
  SubscriptionArguments arguments;
  arguments.filter.query_name = "q";
  SubscriptionCursor cursor = Subscribe(arguments);
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  CommitGap("other");
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kIdle);
  CommitGap("q");
  NextBody<GapMessage>(cursor);
  CommitGap("");
  NextBody<GapMessage>(cursor);
}

// Which of them came would tell him.
TEST_F(SubscriptionCursorTest, EveryGapConcernsAReaderWhoIsNotToldWhatItIsOf) {
  SubscriptionArguments arguments;
  arguments.filter.query_name = "q";
  arguments.filter.scope = *ParseMatchers("team=a");
  SubscriptionCursor cursor = Subscribe(arguments);
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  for (const std::string query : {"other", "q", ""}) {
    CommitGap(query);
    EXPECT_TRUE(NextBody<GapMessage>(cursor).anonymous) << query;
  }
}

TEST_F(SubscriptionCursorTest, ProgressIsToldWhenDueAndNothingElseIsNext) {
  auto board = std::make_shared<ProgressBoard>(1);
  store().PublishProgress(board);
  SubscriptionArguments arguments;
  arguments.filter.query_name = "none";
  SubscriptionCursor cursor = Subscribe(arguments);
  NextBody<StartedMessage>(cursor);
  NextBody<SnapshotCompleteMessage>(cursor);
  Commit({Row(1)});  // Does not match, but counts.
  const auto step = cursor.Next(true, kRowsNow + Millis(7));
  ASSERT_EQ(step->kind, Kind::kMessage);
  const auto& progress = std::get<ProgressMessage>(step->message->body);
  EXPECT_EQ(progress.sequence, Sequence(1));
  EXPECT_EQ(progress.send_time, kRowsNow + Millis(7));
  EXPECT_EQ(progress.queries, board);
  EXPECT_EQ(progress.query_name, "none");
  // Its token stands behind what did not match.
  EXPECT_EQ(DecodeResumeToken(step->message->resume_token)->sequence, Sequence(1));
}

TEST_F(SubscriptionCursorTest, LongSearchIsCutIntoSteps) {
  for (int commit = 0; commit < 30; ++commit) {
    std::vector<RowSpec> rows;
    for (int i = 0; i < 400; ++i) rows.push_back(Row(400 * commit + i, i));
    Commit(rows);
  }
  SubscriptionArguments arguments;
  arguments.filter.query_name = "none";
  SubscriptionCursor cursor = Subscribe(arguments);
  NextBody<StartedMessage>(cursor);
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, Kind::kAgain);
  FoldedRows folded;
  Drain(cursor, folded);
  EXPECT_TRUE(folded.snapshot_complete());
  EXPECT_TRUE(folded.rows().empty());
}

// A store that counts what is read of it.
class CountingStore final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override {
    RowPage page = store_.ReadRows(range, rows_max);
    read += page.rows.size();
    return page;
  }
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override {
    auto changes = store_.ReadChanges(after, changes_max, bytes_max);
    if (!changes.ok()) return changes;
    for (const SharedChangeSet& set : changes->sets) read += set->changes.size();
    return changes;
  }

  mutable size_t read = 0;
};

// Others wait for the step: it takes no longer when there is more.
TEST_F(SubscriptionCursorTest, AStepThatFindsNothingReadsItsShareAndNoMore) {
  for (int id = 0; id < 3000; ++id) Commit({Row(id, id)});
  CountingStore counted(store());
  SubscriptionArguments arguments;
  arguments.filter.query_name = "none";
  auto cursor = SubscriptionCursor::Create(counted, arguments, kRowsNow).value();
  NextBody<StartedMessage>(cursor);
  // All that is there, at most so much in one step. How many steps it took.
  const auto search = [&](size_t read_max) {
    for (int steps = 1;; ++steps) {
      counted.read = 0;
      const auto step = cursor.Next(false, kRowsNow);
      EXPECT_LE(counted.read, read_max);
      if (step->kind != Kind::kAgain) return steps;
    }
  };
  EXPECT_EQ(search(512), 6);
  for (int id = 0; id < 3000; ++id) Commit({Row(id, id + 1)});
  EXPECT_EQ(search(1024), 3);
}

// --- What cursors share ---

TEST_F(SubscriptionCursorTest, EqualFiltersShareTheSelectionOfASequenceWhereverTheyStand) {
  SubscriptionArguments arguments;
  arguments.live_only = true;
  SubscriptionCursor first = Subscribe(arguments);
  SubscriptionCursor second = Subscribe(arguments, {1, 1 << 20});
  NextBody<StartedMessage>(first);
  NextBody<StartedMessage>(second);
  Commit({Row(1)});
  Commit({Row(2)});
  const RowsMessage both = NextBody<RowsMessage>(first);
  ASSERT_EQ(both.entries.parts().size(), 2u);
  const RowsMessage one = NextBody<RowsMessage>(second);
  const RowsMessage other = NextBody<RowsMessage>(second);
  EXPECT_EQ(one.entries.parts(), (std::vector{both.entries.parts()[0]}));
  EXPECT_EQ(other.entries.parts(), (std::vector{both.entries.parts()[1]}));
}

TEST_F(SubscriptionCursorTest, OtherFiltersShareNothing) {
  SubscriptionArguments arguments;
  arguments.live_only = true;
  SubscriptionCursor all = Subscribe(arguments);
  arguments.filter.query_name = "q";
  SubscriptionCursor some = Subscribe(arguments);
  NextBody<StartedMessage>(all);
  NextBody<StartedMessage>(some);
  RowSpec other = Row(2);
  other.query_name = "other";
  Commit({Row(1), other});
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(all)), (std::vector{IdOf(1), IdOf(2)}));
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(some)), (std::vector{IdOf(1)}));
}

TEST_F(SubscriptionCursorTest, CursorWithoutACacheSharesNothingAndGivesTheSame) {
  SubscriptionArguments arguments;
  arguments.live_only = true;
  SubscriptionCursor sharing = Subscribe(arguments);
  auto alone = SubscriptionCursor::Create(store(), arguments, kRowsNow);
  ASSERT_THAT(alone, IsOk());
  NextBody<StartedMessage>(sharing);
  NextBody<StartedMessage>(*alone);
  Commit({Row(1), Row(2)});
  const SubscriptionMessage shared = Next(sharing);
  const SubscriptionMessage own = Next(*alone);
  EXPECT_EQ(own.resume_token, shared.resume_token);
  EXPECT_EQ(IdsOf(std::get<RowsMessage>(own.body)), IdsOf(std::get<RowsMessage>(shared.body)));
  EXPECT_NE(std::get<RowsMessage>(own.body).entries.parts(),
            std::get<RowsMessage>(shared.body).entries.parts());
}

}  // namespace
}  // namespace alertjoin
