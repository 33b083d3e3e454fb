#include "common/sync/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BoundedQueue, GivesItemsInOrderUpToTheAskedNumber) {
  BoundedQueue<int> queue(3);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(queue.TryPush(int{i}));
  EXPECT_THAT(queue.PopUpTo(2), ElementsAre(1, 2));
  EXPECT_THAT(queue.PopUpTo(2), ElementsAre(3));
}

TEST(BoundedQueue, RefusesBeyondItsLimitAndLeavesTheItem) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  EXPECT_EQ(*second, 2);
}

TEST(BoundedQueue, ClosedItGivesWhatItHoldsAndThenNothing) {
  BoundedQueue<int> queue(2);
  queue.TryPush(1);
  queue.Close();
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_THAT(queue.PopUpTo(9), ElementsAre(1));
  EXPECT_THAT(queue.PopUpTo(9), IsEmpty());
}

TEST(BoundedQueue, ADeadlineEndsTheWait) {
  BoundedQueue<int> queue(2);
  EXPECT_THAT(queue.PopUpToBefore(std::chrono::steady_clock::now(), 9), IsEmpty());
  EXPECT_FALSE(queue.closed());
}

TEST(BoundedQueue, EveryItemOfManyThreadsArrivesOnce) {
  constexpr int kThreads = 4;
  constexpr int kItems = 5'000;
  BoundedQueue<int> queue(16);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&queue, t] {
      for (int i = 0; i < kItems; ++i) {
        while (!queue.TryPush(t * kItems + i)) std::this_thread::yield();
      }
    });
  }
  std::vector<int> seen(kThreads * kItems, 0);
  for (int taken = 0; taken < kThreads * kItems;) {
    for (const int item : queue.PopUpTo(64)) {
      ++seen[static_cast<size_t>(item)];
      ++taken;
    }
  }
  for (std::thread& producer : producers) producer.join();
  for (const int count : seen) ASSERT_EQ(count, 1);
}

}  // namespace
}  // namespace alertjoin
