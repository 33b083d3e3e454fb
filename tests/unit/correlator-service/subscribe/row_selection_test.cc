#include "correlator-service/subscribe/row_selection.h"

#include <gtest/gtest.h>

#include <thread>

#include "alertjoin/v1/correlator_service.pb.h"
#include "tests/support/joined_rows.h"

namespace alertjoin {
namespace {

SharedRow RowOf(int id, bool final = false, Operation operation = Operation::kUpsert) {
  RowSpec spec;
  spec.id = id;
  spec.final = final;
  spec.operation = operation;
  return std::make_shared<const JoinedRow>(MakeRow(spec));
}

RowFilter FinalOnly() {
  RowFilter filter;
  filter.final_only = true;
  return filter;
}

TEST(SelectChanges, RowThatMatchesIsAnUpsertAndOneThatMatchedOnlyBeforeADelete) {
  ChangeSet set;
  set.changes = {{RowOf(1, true), nullptr},
                 {RowOf(2, false), RowOf(2, true)},
                 {RowOf(3, true), RowOf(3, false)},
                 {RowOf(4, false), RowOf(4, false)},
                 {RowOf(5, true, Operation::kDelete), RowOf(5, true)},
                 {RowOf(6, false, Operation::kDelete), RowOf(6, false)}};
  const SharedSelection selection = SelectChanges(set, FinalOnly());
  ASSERT_NE(selection, nullptr);
  std::vector<std::pair<RowId, Operation>> selected;
  for (const auto& [row, operation] : selection->entries()) {
    selected.emplace_back(row->id, operation);
  }
  EXPECT_EQ(selected, (std::vector<std::pair<RowId, Operation>>{{IdOf(1), Operation::kUpsert},
                                                                {IdOf(2), Operation::kDelete},
                                                                {IdOf(3), Operation::kUpsert},
                                                                {IdOf(5), Operation::kDelete}}));
}

TEST(SelectChanges, NothingThatMatchesIsNull) {
  ChangeSet set;
  EXPECT_EQ(SelectChanges(set, {}), nullptr);
  set.changes = {{RowOf(1, false), nullptr}};
  EXPECT_EQ(SelectChanges(set, FinalOnly()), nullptr);
}

// In neither operation.
TEST(SelectChanges, AReaderWithAScopeIsNotToldWhatAnErrorSays) {
  const auto refused = [](int id, bool final) {
    JoinedRow row = *RowOf(id, final);
    row.match.query_error = std::make_shared<const std::string>("of team b");
    return std::make_shared<const JoinedRow>(row);
  };
  ChangeSet set;
  set.changes = {{refused(1, true), nullptr}, {refused(2, false), refused(2, true)}};
  RowFilter filter = FinalOnly();
  filter.scope = *ParseMatchers("team=\"\"");
  const SharedSelection selection = SelectChanges(set, filter);
  ASSERT_NE(selection, nullptr);
  EXPECT_EQ(selection->entries().size(), 2u);
  EXPECT_EQ(selection->Serialised().find("of team b"), std::string::npos);
  EXPECT_NE(SelectChanges(set, FinalOnly())->Serialised().find("of team b"), std::string::npos);
}

TEST(RowSelection, SerialisedIsABatchOfItsRowsWithTheOperationsOfTheEntries) {
  const RowSelection selection({{RowOf(1), Operation::kUpsert}, {RowOf(2), Operation::kDelete}});
  v1::RowBatch batch;
  ASSERT_TRUE(batch.ParseFromString(selection.Serialised()));
  ASSERT_EQ(batch.rows_size(), 2);
  EXPECT_EQ(batch.rows(0).row_id(), ToHex(IdOf(1)));
  EXPECT_EQ(batch.rows(0).operation(), v1::OPERATION_UPSERT);
  EXPECT_EQ(batch.rows(1).row_id(), ToHex(IdOf(2)));
  EXPECT_EQ(batch.rows(1).operation(), v1::OPERATION_DELETE);
}

TEST(RowSelection, SerialisedOnceForAllThreads) {
  std::vector<RowEntry> entries;
  for (int id = 1; id <= 200; ++id) entries.push_back({RowOf(id), Operation::kUpsert});
  const RowSelection selection(std::move(entries));
  std::vector<const char*> bytes(4);
  {
    std::vector<std::jthread> threads;
    for (const char*& its_bytes : bytes) {
      threads.emplace_back([&] { its_bytes = selection.Serialised().data(); });
    }
  }
  for (const char* its_bytes : bytes) EXPECT_EQ(its_bytes, bytes[0]);
}

TEST(RowEntries, EntriesOfAllPartsComeInOrder) {
  RowEntries entries;
  EXPECT_TRUE(entries.empty());
  EXPECT_EQ(entries.begin(), entries.end());
  const auto add = [&entries](std::vector<int> ids) {
    std::vector<RowEntry> part;
    for (const int id : ids) part.push_back({RowOf(id), Operation::kUpsert});
    entries.Add(std::make_shared<const RowSelection>(std::move(part)));
  };
  add({1});
  add({2, 3});
  add({4});
  ASSERT_EQ(entries.size(), 4u);
  int id = 0;
  for (const auto& [row, operation] : entries) EXPECT_EQ(row->id, IdOf(++id));
  EXPECT_EQ(id, 4);
  EXPECT_EQ(entries[2].row->id, IdOf(3));
}

}  // namespace
}  // namespace alertjoin
