#pragma once

#include <chrono>

#include "common/sync/mutex.h"

namespace alertjoin {

// Says "look again" to one waiting thread. Raising never waits for that thread, and any number of
// raises before it looks count as one. Thread-safe.
class ChangeSignal {
 public:
  void Raise() EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      raised_ = true;
    }
    changed_.NotifyOne();
  }

  // Waits until it is raised or the deadline has passed, and takes the raise away. The deadline is
  // of the machine's steady clock.
  void Wait(std::chrono::steady_clock::time_point deadline) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    while (!raised_) {
      if (!changed_.WaitUntil(mutex_, deadline)) break;
    }
    raised_ = false;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool raised_ GUARDED_BY(mutex_) = false;
};

}  // namespace alertjoin
