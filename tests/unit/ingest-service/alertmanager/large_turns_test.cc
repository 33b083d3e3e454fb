#include "ingest-service/alertmanager/large_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace alertjoin {
namespace {

using testing::ElementsAre;

// Requests on threads of their own, which leave their names in the order of their turns.
class LargeTurnsTest : public testing::Test {
 protected:
  // Returns when it waits.
  void Enqueue(LargeTurns& turns, const std::string& source, const std::string& name) {
    const size_t before = turns.waiting();
    threads_.emplace_back([this, &turns, source, name] {
      const auto turn = turns.Wait(source);
      names_.push_back(turn == nullptr ? "refused" : name);
    });
    while (turns.waiting() == before) std::this_thread::yield();
  }
  std::vector<std::string> Names() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return names_;
  }

 private:
  std::vector<std::string> names_;  // Guarded by the turn.
  std::vector<std::thread> threads_;
};

TEST_F(LargeTurnsTest, SourcesTakeTurnsHoweverManyOneHas) {
  LargeTurns turns;
  auto first = turns.Wait("mad");
  for (const char* name : {"m1", "m2", "m3"}) Enqueue(turns, "mad", name);
  for (const char* name : {"a1", "a2"}) Enqueue(turns, "am", name);
  Enqueue(turns, "other", "o1");
  EXPECT_EQ(turns.waiting(), 6u);
  first.reset();
  EXPECT_THAT(Names(), ElementsAre("m1", "a1", "o1", "m2", "a2", "m3"));
  EXPECT_NE(turns.Wait("mad"), nullptr);
}

TEST_F(LargeTurnsTest, TooManyOfOneSourceLeaveRoomForOthers) {
  LargeTurns turns({.waiting_of_source_max = 2, .waiting_max = 3});
  auto first = turns.Wait("mad");
  for (const char* name : {"m1", "m2"}) Enqueue(turns, "mad", name);
  EXPECT_EQ(turns.Wait("mad"), nullptr);
  Enqueue(turns, "am", "a1");
  EXPECT_EQ(turns.Wait("am"), nullptr);  // In all.
  first.reset();
  EXPECT_THAT(Names(), ElementsAre("m1", "a1", "m2"));
}

TEST_F(LargeTurnsTest, OnceClosedNobodyWaits) {
  LargeTurns turns;
  auto first = turns.Wait("mad");
  std::vector<std::future<bool>> have_turns;
  for (const char* source : {"mad", "mad", "am"}) {
    have_turns.push_back(
        std::async(std::launch::async, [&turns, source] { return turns.Wait(source) != nullptr; }));
  }
  while (turns.waiting() < have_turns.size()) std::this_thread::yield();
  turns.Close();
  for (auto& has_turn : have_turns) EXPECT_FALSE(has_turn.get());
  first.reset();
  EXPECT_EQ(turns.Wait("am"), nullptr);
}

TEST_F(LargeTurnsTest, GentleWorkIsDoneByAThreadOfLowPriority) {
  LargeTurns turns;
  const int own = getpriority(PRIO_PROCESS, 0);
  std::thread::id id;
  int gentle = own;
  const auto turn = turns.Wait("am");
  turn->DoGently([&] {
    id = std::this_thread::get_id();
    gentle = getpriority(PRIO_PROCESS, 0);
  });
  EXPECT_NE(id, std::this_thread::get_id());
  EXPECT_GT(gentle, own);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
}

TEST_F(LargeTurnsTest, WhatGentleWorkThrowsIsThrown) {
  LargeTurns turns;
  const auto turn = turns.Wait("am");
  EXPECT_THROW(turn->DoGently([] { throw std::runtime_error("no"); }), std::runtime_error);
  bool done = false;
  turn->DoGently([&done] { done = true; });
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace alertjoin
