#pragma once

#include <atomic>
#include <functional>

#include "common/sync/mutex.h"
#include "correlator-service/join/table_access.h"

namespace alertjoin {

// The tables of an engine that no writer thread owns: a turn is given at once. Thread-safe among
// its readers; whoever changes the engine meanwhile does it within Change.
class EngineTables final : public TableAccess {
 public:
  explicit EngineTables(Engine& engine) : engine_(engine) {}

  absl::Status Read(const Turn& turn) override EXCLUDES_LOCK(mutex_) {
    ++asked;
    if (before_turn) before_turn();
    MutexLock lock(mutex_);
    if (!refusal.ok()) return refusal;
    ++turns;
    turn(TableReader(engine_));
    return absl::OkStatus();
  }
  uint64_t run_id() const override { return run; }

  template <typename Body>
  void Change(Body change) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    change(engine_);
  }

  uint64_t run = 1;
  absl::Status refusal;               // Not OK: what Read gives.
  std::function<void()> before_turn;  // Called by every Read, before it waits.
  int turns = 0;
  std::atomic<int> asked = 0;  // Turns that began to wait.

 private:
  Engine& engine_;
  Mutex mutex_;
};

}  // namespace alertjoin
