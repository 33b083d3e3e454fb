#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/sync/mutex.h"
#include "common/sync/worker_pool.h"

namespace alertjoin {

// Has large requests go one after the other, so that however many come at once, small ones find a
// processor and a thread: sources with large ones have turns in the order of a circle, whoever has
// how many, and those of one source in the order in which they came. Thread-safe.
//
// What takes long and holds no lock is done on a thread of low priority. Where others may wait for
// the result, such as a write that is shared with them, it would be in their way: that stays with
// the caller.
class LargeTurns {
 public:
  struct Options {
    // Requests that wait, each with its thread: of one source, and in all.
    size_t waiting_of_source_max = 16;
    size_t waiting_max = 32;
  };
  // The turn of one request, to its destruction. Its LargeTurns must outlive it.
  class Turn {
   public:
    explicit Turn(LargeTurns& turns) : turns_(turns) {}
    ~Turn() { turns_.Next(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Does the work on the thread of low priority and waits for its end. What it throws is thrown.
    void DoGently(const std::function<void()>& work);

   private:
    LargeTurns& turns_;
  };

  LargeTurns() : LargeTurns(Options()) {}
  explicit LargeTurns(const Options& options);

  // Waits for a turn. Null, at once, when too many wait, and once it is closed.
  std::unique_ptr<Turn> Wait(const std::string& source) EXCLUDES_LOCK(mutex_);
  // Nobody waits from now on. Who has a turn keeps it. Idempotent.
  void Close() EXCLUDES_LOCK(mutex_);

  // For tests: requests that wait for their turn.
  size_t waiting() const EXCLUDES_LOCK(mutex_);

 private:
  struct Waiter {
    CondVar called;
    // Guarded by mutex_.
    bool has_turn = false;
    bool is_refused = false;
  };

  // Ends a turn: the next in the circle has it, if any.
  void Next() EXCLUDES_LOCK(mutex_);

  const Options options_;
  mutable Mutex mutex_;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool taken_ GUARDED_BY(mutex_) = false;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
  // By source; none without waiters.
  std::map<std::string, std::deque<Waiter*>> waiters_ GUARDED_BY(mutex_);
  std::deque<std::string> circle_
      GUARDED_BY(mutex_);  // The sources of waiters_, the next in front.
  WorkerPool gentle_;
};

}  // namespace alertjoin
