#pragma once

#include <deque>
#include <functional>

#include "common/sync/mutex.h"
#include "correlator-service/join/table_access.h"

namespace alertjoin {

// Lets other threads read the engine's tables on the writer's thread, between its rounds. So the
// tables need no lock, and the writer gives readers a bounded part of its time. Thread-safe.
class TableTurns final : public TableAccess {
 public:
  // Turns that wait at most.
  static constexpr size_t kWaitingMax = 256;
  // How long a turn may have to wait for the writer.
  static constexpr auto kPatience = std::chrono::seconds(10);
  // After which the writer goes on with its rounds, whoever still waits.
  static constexpr auto kBudget = std::chrono::milliseconds(2);

  // `wake` is called whenever a turn begins to wait; the writer then calls Run soon.
  explicit TableTurns(std::function<void()> wake);

  absl::Status Read(const Turn& turn) override EXCLUDES_LOCK(mutex_);
  uint64_t run_id() const override { return run_id_; }

  // For the writer: gives turns until none waits or the budget is spent; what is left has it woken
  // again.
  void Run(const Engine& engine) EXCLUDES_LOCK(mutex_);
  // There will be no more turns: who waits, and who comes, gets UNAVAILABLE, reason STOPPING.
  void Close() EXCLUDES_LOCK(mutex_);

 private:
  enum class State { kWaiting, kRunning, kDone, kRefused };
  // On the stack of the one who waits.
  struct Waiting {
    const Turn* turn;
    State state = State::kWaiting;
  };

  Waiting* Next() EXCLUDES_LOCK(mutex_);
  void Finish(Waiting* waiting) EXCLUDES_LOCK(mutex_);

  const std::function<void()> wake_;
  const uint64_t run_id_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Waiting*> waiting_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace alertjoin
