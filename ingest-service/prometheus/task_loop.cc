#include "ingest-service/prometheus/task_loop.h"

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread.h"

namespace alertjoin {
namespace {

// The wall clock may be set while the loop waits: look again at least this often.
constexpr Millis kWaitMax = std::chrono::seconds(1);

}  // namespace

TaskLoop::~TaskLoop() { Stop(); }

void TaskLoop::Start(Step step) {
  CHECK(!thread_.joinable());
  step_ = std::move(step);
  thread_ = StartThread(name_, [this] { Run(); });
}

void TaskLoop::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  changed_.NotifyOne();
}

void TaskLoop::Stop() {
  std::vector<std::function<void()>> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void TaskLoop::Run() {
  while (true) {
    std::vector<std::function<void()>> tasks;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) {
      {
        MutexLock lock(mutex_);
        if (stopping_) return;
      }
      task();
    }
    Wait(step_());
  }
}

void TaskLoop::Wait(Timestamp until) {
  const Timestamp now = clock_.Now();
  const Millis span = until > now ? std::min(until - now, kWaitMax) : Millis(0);
  const auto deadline = clock_.SteadyNow() + span;
  MutexLock lock(mutex_);
  while (tasks_.empty() && !stopping_ && clock_.SteadyNow() < deadline) {
    changed_.WaitUntil(mutex_, deadline);
  }
}

}  // namespace alertjoin
