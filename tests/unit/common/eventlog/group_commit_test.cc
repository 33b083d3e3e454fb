#include "common/eventlog/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

struct Number {
  int value;
  uint64_t bytes = 1;
  int committed_in = 0;
};

// Commits to a vector that nothing guards: two commits at once are a race that tsan sees.
class GroupCommitTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kGroupBytesMax = 10;

  void Commit(std::span<Number* const> group) {
    groups_.emplace_back();
    for (Number* number : group) {
      groups_.back().push_back(number->value);
      number->committed_in = static_cast<int>(groups_.size());
    }
    if (during_first_ && groups_.size() == 1) during_first_();
  }
  static void WaitForPending(size_t count, const GroupCommit<Number>& commits) {
    while (commits.pending() < count) std::this_thread::yield();
  }
  // Has the requests queue up, in this order, behind one of value 0 that is being committed.
  void RunBehindAnother(std::vector<Number>& numbers) { RunBehindAnother(numbers, commits_); }
  void RunBehindAnother(std::vector<Number>& numbers, GroupCommit<Number>& commits) {
    std::vector<std::thread> threads;
    during_first_ = [&] {
      for (size_t i = 0; i < numbers.size(); ++i) {
        threads.emplace_back([&commits, &numbers, i] { commits.Run(numbers[i]); });
        WaitForPending(i + 2, commits);
      }
    };
    Number first{0};
    commits.Run(first);
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<std::vector<int>> groups_;
  std::function<void()> during_first_;
  GroupCommit<Number> commits_{kGroupBytesMax,
                               [this](std::span<Number* const> group) { Commit(group); }};
};

TEST_F(GroupCommitTest, WhoeverWaitsGoesTogetherInTheOrderOfArrival) {
  std::vector<Number> numbers{{1}, {2}, {3}};
  RunBehindAnother(numbers);
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(0), ElementsAre(1, 2, 3)));
  for (const Number& number : numbers) EXPECT_EQ(number.committed_in, 2);
}

TEST_F(GroupCommitTest, WhoComesFirstCommitsItselfAndWhoWaitsIsCommittedByTheThreadOfAllGroups) {
  std::vector<std::thread::id> committers;
  GroupCommit<Number> commits(GroupCommit<Number>::kSmallShare,
                              [&](std::span<Number* const> group) {
                                committers.push_back(std::this_thread::get_id());
                                Commit(group);
                              });
  // Each fills a group.
  std::vector<Number> numbers{{1, 100}, {2, 100}, {3, 100}};
  RunBehindAnother(numbers, commits);
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2), ElementsAre(3)));
  ASSERT_EQ(committers.size(), 4U);
  EXPECT_EQ(committers[0], std::this_thread::get_id());
  EXPECT_NE(committers[1], committers[0]);
  EXPECT_EQ(committers[2], committers[1]);
  EXPECT_EQ(committers[3], committers[1]);
  // Nobody waits any more.
  Number last{4};
  commits.Run(last);
  EXPECT_EQ(committers.back(), std::this_thread::get_id());
}

TEST_F(GroupCommitTest, LargeRequestsAreCommittedByTheThreadEvenWhenNobodyElseCommits) {
  std::vector<std::thread::id> committers;
  GroupCommit<Number> commits(GroupCommit<Number>::kSmallShare,
                              [&](std::span<Number* const> group) {
                                committers.push_back(std::this_thread::get_id());
                                Commit(group);
                              });
  Number small{1, 1};
  Number large{2, 2};
  for (Number* const number : {&large, &small, &large}) commits.Run(*number);
  ASSERT_EQ(committers.size(), 3U);
  EXPECT_NE(committers[0], std::this_thread::get_id());
  EXPECT_EQ(committers[1], std::this_thread::get_id());
  EXPECT_EQ(committers[2], committers[0]);
}

// Those of a lane of samples, and dead letters: each of their requests once went to the thread, as
// large.
TEST_F(GroupCommitTest, OneByOneEachIsCommittedByItsOwnThreadWhenNobodyElseCommits) {
  std::vector<std::thread::id> committers;
  GroupCommit<Number> commits(GroupCommit<Number>::kOneByOne, [&](std::span<Number* const> group) {
    committers.push_back(std::this_thread::get_id());
    Commit(group);
  });
  std::vector<Number> numbers{{1, 100}, {2, 1}};
  RunBehindAnother(numbers, commits);
  EXPECT_THAT(groups_, ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2)));
  Number large{3, 1 << 20};
  commits.Run(large);
  EXPECT_EQ(committers.back(), std::this_thread::get_id());
}

TEST_F(GroupCommitTest, GroupEndsAtItsByteLimit) {
  std::vector<Number> numbers{{1, 9}, {2, 1}, {3, 25}, {4, 1}};
  RunBehindAnother(numbers);
  EXPECT_THAT(groups_,
              ElementsAre(ElementsAre(0), ElementsAre(1, 2), ElementsAre(3), ElementsAre(4)));
}

TEST_F(GroupCommitTest, SmallRequestsDoNotWaitForSeveralLargeOnes) {
  // 2 bytes are small, as many as 128 of them go with a full group.
  GroupCommit<Number> commits(2 * GroupCommit<Number>::kSmallShare,
                              [this](std::span<Number* const> group) { Commit(group); });
  std::vector<Number> numbers{{1, 400}, {2, 400}, {3, 2}, {4, 3}, {5, 400}, {6, 1}};
  RunBehindAnother(numbers, commits);
  EXPECT_THAT(groups_,
              ElementsAre(ElementsAre(0), ElementsAre(1, 3, 6), ElementsAre(2), ElementsAre(4, 5)));
}

TEST_F(GroupCommitTest, SmallRequestsKeepNoLargeOneBack) {
  GroupCommit<Number> commits(GroupCommit<Number>::kSmallShare,
                              [this](std::span<Number* const> group) { Commit(group); });
  std::vector<Number> numbers{{1, 400}, {2, 400}};
  const int small = static_cast<int>(GroupCommit<Number>::kSmallShare) + 2;
  for (int i = 1; i <= small; ++i) numbers.push_back({1000 + i, 1});
  RunBehindAnother(numbers, commits);
  ASSERT_EQ(groups_.size(), 3U);
  EXPECT_EQ(groups_[1].size(), 1 + GroupCommit<Number>::kSmallShare);
  EXPECT_THAT(groups_[2], ElementsAre(2, 1000 + small - 1, 1000 + small));
}

TEST_F(GroupCommitTest, EachRequestIsCommittedOnceUnderLoad) {
  constexpr int kThreads = 8;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      int last = 0;
      for (int j = 0; j < kEach; ++j) {
        Number number{i * kEach + j};
        commits_.Run(number);
        ASSERT_GT(number.committed_in, last);
        last = number.committed_in;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int> committed;
  for (const auto& group : groups_) committed.insert(committed.end(), group.begin(), group.end());
  std::sort(committed.begin(), committed.end());
  std::vector<int> expected(kThreads * kEach);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(committed, expected);
  EXPECT_EQ(commits_.pending(), 0U);
}

// Those who wait would wait for ever.
TEST(GroupCommitDeathTest, ACommitThatThrowsEndsTheProcess) {
  const auto run = [] {
    GroupCommit<Number> commits(
        1, [](std::span<Number* const>) { throw std::runtime_error("no memory"); });
    Number number{1};
    commits.Run(number);
  };
  EXPECT_DEATH(run(), "no memory");
}

}  // namespace
}  // namespace alertjoin
