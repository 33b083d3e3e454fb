#pragma once

// std::mutex with Clang's thread-safety annotations (-Wthread-safety), and a condition variable
// that goes with it. GCC sees plain classes.

#include <chrono>
#include <condition_variable>
#include <mutex>

// Defines GUARDED_BY, the same way; Abseil's status header brings it in any case.
#include "absl/base/thread_annotations.h"

#if defined(__clang__)
#define ALERTJOIN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define ALERTJOIN_THREAD_ATTRIBUTE(x)
#endif
#define REQUIRES_LOCK(mutex) ALERTJOIN_THREAD_ATTRIBUTE(requires_capability(mutex))
#define EXCLUDES_LOCK(mutex) ALERTJOIN_THREAD_ATTRIBUTE(locks_excluded(mutex))

namespace alertjoin {

class ALERTJOIN_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() ALERTJOIN_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() ALERTJOIN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class ALERTJOIN_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ALERTJOIN_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ALERTJOIN_THREAD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds. Wakes spuriously: call it in a loop on the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES_LOCK(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }
  // False once the deadline has passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      REQUIRES_LOCK(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = changed_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace alertjoin
