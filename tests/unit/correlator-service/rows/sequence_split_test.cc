#include "correlator-service/rows/sequence_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

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
  void Add(const std::string& alert, MatchState match_state, Operation operation,
           Millis later = Millis(0)) {
    RowSpec spec;
    spec.event_time = kRowsNow + later;
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
  // As it was: a minute earlier than it is.
  Add("a", MatchState::kNoSeries, Operation::kDelete, -std::chrono::minutes(1));
  Transition("a", 2);
  EXPECT_EQ(Split(2), (Runs{{2, 3}, {4, 1}}));
}

TEST_F(SequenceSplitTest, DeletedRowsGoWithTheNearestStartOfTheirAlertAndState) {
  const auto at = [](int minutes) { return std::chrono::minutes(minutes); };
  Add("a", MatchState::kMatched, Operation::kUpsert, at(0));    // 1
  Add("b", MatchState::kMatched, Operation::kUpsert, at(6));    // 2
  Add("a", MatchState::kMatched, Operation::kUpsert, at(10));   // 3
  Add("a", MatchState::kNoSeries, Operation::kDelete, at(7));   // 4
  Add("a", MatchState::kNoSeries, Operation::kDelete, at(-1));  // 5
  Add("c", MatchState::kNoSeries, Operation::kDelete, at(3));   // 6: nothing else of it.
  EXPECT_EQ(Split(2), (Runs{{5, 1}, {6, 2}, {4, 3}}));
}

TEST_F(SequenceSplitTest, SortedOnlyWhenItIsCut) {
  Add("b", MatchState::kMatched, Operation::kUpsert, std::chrono::minutes(1));
  Transition("a", 1);
  EXPECT_EQ(Split(2), (Runs{{1, 2}}));
  EXPECT_EQ(Split(1), (Runs{{2}, {1}}));
}

TEST_F(SequenceSplitTest, RunsDoNotDependOnTheOrderOfTheChanges) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    changes_.clear();
    next_id_ = 0;
    const uint64_t transitions = 1 + random() % 10;
    for (uint64_t i = 0; i < transitions; ++i) {
      const std::string alert = std::to_string(random() % 3);
      const auto start = std::chrono::minutes(random() % 4);
      if (random() % 2 == 0) {
        Add(alert, MatchState::kNoSeries, Operation::kDelete, start - Millis(random() % 2));
      }
      if (random() % 4 == 0) Add(alert, MatchState::kMatched, Operation::kDelete, start);
      for (uint64_t rows = random() % 6; rows > 0; --rows) {
        Add(alert, MatchState::kMatched, Operation::kUpsert, start);
      }
    }
    const size_t limit = 1 + random() % 6;
    // What fits one run stays in the order in which it comes.
    if (changes_.size() <= limit) continue;
    const Runs runs = Split(limit);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(changes_.begin(), changes_.end(), random);
      ASSERT_EQ(Split(limit), runs);
    }
  }
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
