#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"

namespace alertjoin {

// Lets the requests of concurrent threads share one slow step, such as a sync: the thread whose
// request is first in the queue commits for all that wait behind it, and those who come meanwhile
// are the next group. Thread-safe. `Request` has a member `bytes`, its size.
template <typename Request>
class GroupCommit {
 public:
  // Commits the requests, in this order, and leaves in each what came of it. Never called by two
  // threads at once; no lock is held. The span is not empty.
  using Commit = std::function<void(std::span<Request* const>)>;

  // A group ends with the request that brings it to `group_bytes_max` bytes or beyond.
  GroupCommit(uint64_t group_bytes_max, Commit commit)
      : group_bytes_max_(group_bytes_max), commit_(std::move(commit)) {}

  // Returns when `request` has been committed, by this thread or by another one. Requests are
  // committed in the order in which they came.
  void Run(Request& request) EXCLUDES_LOCK(mutex_) {
    Waiter self{&request, {}, false};
    std::vector<Request*> group;
    {
      MutexLock lock(mutex_);
      queue_.push_back(&self);
      while (!self.done && queue_.front() != &self) self.changed.Wait(mutex_);
      if (self.done) return;
      group = FirstGroup();
    }
    commit_(group);
    MutexLock lock(mutex_);
    for (size_t i = 0; i < group.size(); ++i) {
      // The waiter is gone as soon as its thread gets the lock.
      Waiter& waiter = *queue_.front();
      queue_.pop_front();
      waiter.done = true;
      waiter.changed.NotifyOne();
    }
    if (!queue_.empty()) queue_.front()->changed.NotifyOne();
  }

  // Requests that are being committed or wait for it.
  size_t pending() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return queue_.size();
  }

 private:
  struct Waiter {
    Request* request;
    CondVar changed;
    bool done;  // Guarded by mutex_.
  };

  // They stay in the queue until they are committed, so that nobody else takes the lead.
  std::vector<Request*> FirstGroup() const REQUIRES_LOCK(mutex_) {
    std::vector<Request*> group;
    uint64_t bytes = 0;
    for (const Waiter* waiter : queue_) {
      group.push_back(waiter->request);
      bytes += waiter->request->bytes;
      if (bytes >= group_bytes_max_) break;
    }
    return group;
  }

  const uint64_t group_bytes_max_;
  const Commit commit_;
  mutable Mutex mutex_;
  std::deque<Waiter*> queue_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
