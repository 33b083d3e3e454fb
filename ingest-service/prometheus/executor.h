#pragma once

#include <functional>

namespace alertjoin {

// Runs tasks one after the other on one thread. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the task later, never inside of this call. Dropped when the executor has stopped.
  virtual void Post(std::function<void()> task) = 0;
};

}  // namespace alertjoin
