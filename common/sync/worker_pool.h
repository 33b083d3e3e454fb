#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "common/sync/bounded_queue.h"
#include "common/sync/thread.h"

namespace alertjoin {

// A fixed number of threads for short pieces of work that may block. Thread-safe.
class WorkerPool {
 public:
  using Work = std::function<void()>;

  // `name`: of its threads, as StartThread has it. `waiting_max`: pieces that wait for a thread.
  WorkerPool(const char* name, size_t threads, size_t waiting_max) : queue_(waiting_max) {
    for (size_t i = 0; i < threads; ++i) threads_.push_back(StartThread(name, [this] { Run(); }));
  }
  ~WorkerPool() { Stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and the work will not be done, when too much waits or the pool was stopped.
  bool TrySubmit(Work work) { return queue_.TryPush(std::move(work)); }

  // Takes no more, does what waits, ends the threads. Idempotent; not from a thread of the pool.
  void Stop() {
    queue_.Close();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  void Run() {
    for (;;) {
      std::vector<Work> work = queue_.PopUpTo(1);
      if (work.empty()) return;
      work.front()();
    }
  }

  BoundedQueue<Work> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace alertjoin
