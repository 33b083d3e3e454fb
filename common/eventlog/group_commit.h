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
// are the next group. A small request never waits for several large ones: it goes with the first
// group that begins after it came. Thread-safe. `Request` has a member `bytes`, its size.
template <typename Request>
class GroupCommit {
 public:
  // A request of up to this share of a group is small.
  static constexpr uint64_t kSmallShare = 16;

  // Commits the requests, in this order, and leaves in each what came of it. Never called by two
  // threads at once; no lock is held. The span is not empty.
  using Commit = std::function<void(std::span<Request* const>)>;

  // A group is full with the request that brings it to `group_bytes_max` bytes or beyond; the small
  // ones behind that go with it all the same, up to as many bytes again.
  GroupCommit(uint64_t group_bytes_max, Commit commit)
      : group_bytes_max_(group_bytes_max), commit_(std::move(commit)) {}

  // Returns when `request` has been committed, by this thread or by another one. Small requests are
  // committed in the order in which they came, and so are large ones.
  void Run(Request& request) EXCLUDES_LOCK(mutex_) {
    Waiter self{&request, {}};
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
    // The waiters are gone as soon as their threads get the lock.
    for (Waiter* const waiter : queue_) {
      if (!waiter->in_group) continue;
      waiter->done = true;
      waiter->changed.NotifyOne();
    }
    std::erase_if(queue_, [](const Waiter* waiter) { return waiter->done; });
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
    // Guarded by mutex_.
    bool in_group = false;  // It is being committed.
    bool done = false;
  };

  // They stay in the queue until they are committed, so that nobody else takes the lead. The first
  // is always among them, so that nobody waits for ever.
  std::vector<Request*> FirstGroup() REQUIRES_LOCK(mutex_) {
    std::vector<Request*> group;
    uint64_t bytes = 0;
    uint64_t small_bytes = 0;  // Of those that go with a full one.
    for (Waiter* const waiter : queue_) {
      const uint64_t size = waiter->request->bytes;
      if (!group.empty() && bytes >= group_bytes_max_) {
        if (small_bytes >= group_bytes_max_) break;
        if (size > group_bytes_max_ / kSmallShare) continue;
        small_bytes += size;
      } else {
        bytes += size;
      }
      group.push_back(waiter->request);
      waiter->in_group = true;
    }
    return group;
  }

  const uint64_t group_bytes_max_;
  const Commit commit_;
  mutable Mutex mutex_;
  std::deque<Waiter*> queue_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
