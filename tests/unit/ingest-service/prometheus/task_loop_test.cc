#include "ingest-service/prometheus/task_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace alertjoin {
namespace {

TEST(TaskLoop, RunsTasksInOrderAndStepsAfterThem) {
  TaskLoop loop("test", SystemClock());
  std::promise<std::string> done;
  std::string log;
  loop.Post([&] { log += "a"; });
  loop.Post([&] { log += "b"; });
  loop.Start([&] {
    log += "|";
    if (log == "ab|") done.set_value(log);
    return Timestamp::Max();
  });
  EXPECT_EQ(done.get_future().get(), "ab|");
}

TEST(TaskLoop, StepsAgainWhenItsTimeHasCome) {
  TaskLoop loop("test", SystemClock());
  std::promise<void> third;
  int steps = 0;
  loop.Start([&] {
    if (++steps == 3) third.set_value();
    return steps < 3 ? SystemClock().Now() + Millis(1) : Timestamp::Max();
  });
  third.get_future().get();
}

TEST(TaskLoop, StopDropsWhatIsLeftAndTakesNothingMore) {
  TaskLoop loop("test", SystemClock());
  std::promise<void> running;
  std::promise<void> release;
  std::atomic<int> ran{0};
  loop.Start([] { return Timestamp::Max(); });
  loop.Post([&] {
    running.set_value();
    release.get_future().get();
    ++ran;
  });
  running.get_future().get();
  loop.Post([&] { ++ran; });
  std::thread stopper([&] { loop.Stop(); });
  release.set_value();
  stopper.join();
  loop.Post([&] { ++ran; });
  loop.Stop();
  EXPECT_LE(ran, 2);
  EXPECT_GE(ran, 1);
}

}  // namespace
}  // namespace alertjoin
