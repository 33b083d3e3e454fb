#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "common/status/status.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// A queue between threads that holds at most `items_max` items. Thread-safe. Once closed it takes
// nothing more; what it holds can still be taken.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t items_max) : items_max_(items_max) { CHECK(items_max > 0); }

  // False, and nothing moved from, when the queue is full or closed.
  bool TryPush(T&& item) EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      if (closed_ || items_.size() >= items_max_) return false;
      items_.push_back(std::move(item));
    }
    changed_.NotifyOne();
    return true;
  }

  // Waits for room. False, and nothing moved from, once the queue is closed.
  bool Push(T&& item) EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      while (!closed_ && items_.size() >= items_max_) room_.Wait(mutex_);
      if (closed_) return false;
      items_.push_back(std::move(item));
    }
    changed_.NotifyOne();
    return true;
  }

  // Waits for at least one item, then takes up to `items_max` of them in order. Empty once the
  // queue is closed and drained.
  std::vector<T> PopUpTo(size_t items_max) EXCLUDES_LOCK(mutex_) {
    std::vector<T> taken;
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) changed_.Wait(mutex_);
    while (!items_.empty() && taken.size() < items_max) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    room_.NotifyAll();
    return taken;
  }

  // The same, but also empty when it was woken by Wake, now or since it returned last.
  std::vector<T> PopUpToOrWake(size_t items_max) EXCLUDES_LOCK(mutex_) {
    std::vector<T> taken;
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_ && !woken_) changed_.Wait(mutex_);
    woken_ = false;
    while (!items_.empty() && taken.size() < items_max) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    room_.NotifyAll();
    return taken;
  }
  // Has one who is in PopUpToOrWake, or comes to it next, return.
  void Wake() EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      woken_ = true;
    }
    changed_.NotifyAll();
  }

  // The same, but also empty when nothing came before the deadline.
  std::vector<T> PopUpToBefore(std::chrono::steady_clock::time_point deadline, size_t items_max)
      EXCLUDES_LOCK(mutex_) {
    std::vector<T> taken;
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) {
      if (!changed_.WaitUntil(mutex_, deadline)) break;
    }
    while (!items_.empty() && taken.size() < items_max) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    room_.NotifyAll();
    return taken;
  }

  void Close() EXCLUDES_LOCK(mutex_) {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    changed_.NotifyAll();
    room_.NotifyAll();
  }

  // Closed, and nothing left in it.
  bool ended() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }
  bool closed() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return closed_;
  }
  size_t size() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  const size_t items_max_;
  mutable Mutex mutex_;
  CondVar changed_;  // Items, or the end.
  CondVar room_;
  std::deque<T> items_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  bool woken_ GUARDED_BY(mutex_) = false;
};

}  // namespace alertjoin
