#include "correlator-service/rows/sequence_split.h"

#include <gtest/gtest.h>

#include <set>

#include "correlator-service/model/row_size.h"
#include "tests/support/joined_rows.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

// Changes by transition: upserts of `count` rows each, ids counting up.
class SequenceSplitTest : public testing::Test {
 protected:
  void Transition(const std::string& alert, int count) {
    for (int i = 0; i < count; ++i) Add(alert, MatchState::kMatched, Operation::kUpsert);
  }
  void Add(const std::string& alert, MatchState match_state, Operation operation) {
    RowSpec spec;
    spec.id = ++next_id_;
    spec.alert = alert;
    spec.match_state = match_state;
    spec.operation = operation;
    changes_.push_back(MakeRow(spec));
  }
  // Ids by run.
  std::vector<std::vector<int>> Split(size_t changes_max, size_t bytes_max = 1 << 20) {
    std::vector<std::vector<int>> ids;
    for (const auto& run : SplitIntoSequences(changes_, {changes_max, bytes_max})) {
      ids.emplace_back();
      for (const JoinedRow& change : run) ids.back().push_back(change.id.bytes[3]);
    }
    return ids;
  }

  std::vector<JoinedRow> changes_;
  int next_id_ = 0;
};

using Runs = std::vector<std::vector<int>>;

TEST_F(SequenceSplitTest, NothingIsNoRun) { EXPECT_EQ(Split(2), Runs{}); }

TEST_F(SequenceSplitTest, WhatFitsIsOneRun) {
  Transition("a", 2);
  Transition("b", 1);
  EXPECT_EQ(Split(3), (Runs{{1, 2, 3}}));
}

TEST_F(SequenceSplitTest, TransitionsAreKeptWhole) {
  Transition("a", 2);
  Transition("b", 2);
  Transition("c", 1);
  EXPECT_EQ(Split(3), (Runs{{1, 2}, {3, 4, 5}}));
}

TEST_F(SequenceSplitTest, TransitionTooLargeIsCut) {
  Transition("a", 1);
  Transition("b", 5);
  Transition("c", 1);
  EXPECT_EQ(Split(2), (Runs{{1}, {2, 3}, {4, 5}, {6, 7}}));
}

TEST_F(SequenceSplitTest, DeletedNoSeriesRowStaysWithTheNextChange) {
  Transition("a", 3);
  Add("a", MatchState::kNoSeries, Operation::kDelete);
  EXPECT_EQ(Split(2), (Runs{{4, 1}, {2, 3}}));
}

TEST_F(SequenceSplitTest, DeletedNoSeriesRowStaysWithTheNextChangeEvenBeyondTheLimit) {
  Add("a", MatchState::kNoSeries, Operation::kDelete);
  Transition("a", 2);
  EXPECT_EQ(Split(1), (Runs{{1, 2}, {3}}));
}

TEST_F(SequenceSplitTest, DeletedNoSeriesRowOfAnAmendedTransitionStaysToo) {
  Transition("x", 1);
  Add("a-before", MatchState::kNoSeries, Operation::kDelete);
  Transition("a", 2);
  EXPECT_EQ(Split(2), (Runs{{1, 2, 3}, {4}}));
}

TEST_F(SequenceSplitTest, BytesAreALimitToo) {
  Transition("a", 1);
  Transition("b", 1);
  Transition("c", 1);
  const size_t bytes = ApproximateBytes(changes_[0]);
  EXPECT_EQ(Split(100, 2 * bytes), (Runs{{1, 2}, {3}}));
  EXPECT_EQ(Split(100, 1), (Runs{{1}, {2}, {3}}));
}

TEST_F(SequenceSplitTest, EveryChangeIsInOneRunInOrderWithinTheLimit) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    changes_.clear();
    next_id_ = 0;
    for (uint64_t i = 0; i < random() % 10; ++i) {
      Transition("t" + std::to_string(i), static_cast<int>(random() % 6));
    }
    const size_t limit = 1 + random() % 5;
    int expected = 0;
    for (const auto& run : Split(limit)) {
      ASSERT_FALSE(run.empty());
      ASSERT_LE(run.size(), limit);
      for (const int id : run) ASSERT_EQ(id, ++expected);
    }
    ASSERT_EQ(expected, next_id_);
  }
}

}  // namespace
}  // namespace alertjoin
