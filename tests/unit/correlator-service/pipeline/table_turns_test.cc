#include "correlator-service/pipeline/table_turns.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/status/status.h"
#include "tests/support/join_events.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

class TableTurnsTest : public testing::Test {
 protected:
  // A reader on a thread of its own; returns once it waits.
  std::future<absl::Status> ReadSoon(TableTurns::Turn turn) {
    std::promise<void> waits;
    wake_ = [&waits] { waits.set_value(); };
    auto status = std::async(std::launch::async,
                             [this, turn = std::move(turn)] { return turns_.Read(turn); });
    waits.get_future().wait();
    wake_ = [] {};
    return status;
  }

  std::function<void()> wake_ = [] {};
  Engine engine_{EngineLimits{}};
  TableTurns turns_{[this] { wake_(); }};
};

TEST_F(TableTurnsTest, ATurnIsGivenOnTheWritersThread) {
  engine_.Apply({Samples("q", {{"i", "1"}}, {{10, 1}})}, At(0));
  std::thread::id thread;
  size_t series = 0;
  auto read = ReadSoon([&](const TableReader& tables) {
    thread = std::this_thread::get_id();
    series = tables.Series({}, 10, [](const Query&) { return true; }).size();
  });
  turns_.Run(engine_);
  EXPECT_THAT(read.get(), IsOk());
  EXPECT_EQ(thread, std::this_thread::get_id());
  EXPECT_EQ(series, 1u);
}

TEST_F(TableTurnsTest, WhoWaitsAtTheEndIsToldSo) {
  bool called = false;
  auto read = ReadSoon([&](const TableReader&) { called = true; });
  turns_.Close();
  const absl::Status status = read.get();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(DetailOf(status)->reason, "STOPPING");
  EXPECT_FALSE(called);
  EXPECT_THAT(turns_.Read([](const TableReader&) {}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TableTurnsTest, ALongTurnLeavesTheOthersForLater) {
  int given = 0;
  std::vector<std::future<absl::Status>> reads;
  for (int i = 0; i < 2; ++i) {
    reads.push_back(ReadSoon([&given](const TableReader&) {
      ++given;
      const auto end = std::chrono::steady_clock::now() + 2 * TableTurns::kBudget;
      while (std::chrono::steady_clock::now() < end) {
      }
    }));
  }
  bool woken = false;
  wake_ = [&woken] { woken = true; };
  turns_.Run(engine_);
  EXPECT_EQ(given, 1);
  EXPECT_TRUE(woken);
  turns_.Run(engine_);
  EXPECT_EQ(given, 2);
  for (auto& read : reads) EXPECT_THAT(read.get(), IsOk());
}

}  // namespace
}  // namespace alertjoin
