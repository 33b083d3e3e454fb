#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// Remembers the first failure for good and tells one listener of it. Thread-safe.
class FailureLatch {
 public:
  using Listener = std::function<void(const absl::Status&)>;

  // `listener` may be empty. It is called at most once, on the thread that latches, without a lock.
  explicit FailureLatch(Listener listener) : listener_(std::move(listener)) {}

  // Keeps `failure` unless there is one already. REQUIRES: not OK.
  void Latch(const absl::Status& failure) EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      if (!failure_.ok()) return;
      failure_ = failure;
    }
    if (listener_) listener_(failure);
  }

  // The first failure; OK without one.
  absl::Status failure() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return failure_;
  }

 private:
  const Listener listener_;
  mutable Mutex mutex_;
  absl::Status failure_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
