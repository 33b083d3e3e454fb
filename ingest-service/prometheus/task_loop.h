#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/executor.h"

namespace alertjoin {

// One thread that runs posted tasks and, after them and whenever its time has come, a step.
// Thread-safe. Who posts bounds how many tasks there are.
class TaskLoop final : public Executor {
 public:
  // What to do after each batch of tasks; returns when to do it again at the latest.
  using Step = std::function<Timestamp()>;

  // `name`: of its thread, as StartThread has it. The clock must outlive the loop.
  TaskLoop(const char* name, const Clock& clock) : name_(name), clock_(clock) {}
  ~TaskLoop() override;  // Stops.

  // REQUIRES: not started before.
  void Start(Step step);
  void Post(std::function<void()> task) override EXCLUDES_LOCK(mutex_);
  // Waits for the task that runs; those behind it are dropped. Idempotent.
  void Stop() EXCLUDES_LOCK(mutex_);

 private:
  void Run() EXCLUDES_LOCK(mutex_);
  void Wait(Timestamp until) EXCLUDES_LOCK(mutex_);

  const char* const name_;
  const Clock& clock_;
  Step step_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alertjoin
