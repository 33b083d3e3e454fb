#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "common/sync/semaphore.h"
#include "common/sync/thread.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {

// Lets the requests of concurrent threads share one slow step, such as a sync. Who comes with a
// small request while nobody commits commits it at once. Those who come meanwhile are the next
// group, and those who come during that the next but one: these are committed by a thread that is
// kept for it, which runs on from group to group, so that the slow step never waits for a thread to
// wake up. A large request is always left to that thread: whose work is much has used its share of
// the processor, and would keep those who come meanwhile waiting until it has one again. A small
// request never waits for several large ones: it goes with the first group that begins after it
// came. Thread-safe; no request may be under way at its end. `Request` has a member `bytes`, its
// size.
template <typename Request>
class GroupCommit {
 public:
  // A request of up to this share of a group is small.
  static constexpr uint64_t kSmallShare = 64;
  // As the size of a group: each request is a group of its own, and small.
  static constexpr uint64_t kOneByOne = 0;

  // Commits the requests, in this order, and leaves in each what came of it. Never called by two
  // threads at once; no lock is held. The span is not empty. What it throws ends the process: those
  // who wait could not be told.
  using Commit = std::function<void(std::span<Request* const>)>;

  // A group is full with the request that brings it to `group_bytes_max` bytes or beyond; the small
  // ones behind that go with it all the same, up to as many bytes again.
  GroupCommit(uint64_t group_bytes_max, Commit commit)
      : group_bytes_max_(group_bytes_max),
        commit_(std::move(commit)),
        thread_(StartThread("log-commit", [this] { RunThread(); })) {}
  ~GroupCommit() {
    {
      MutexLock lock(mutex_);
      CHECK(!committing_);
      ends_ = true;
    }
    handed_over_.Post();
    thread_.join();
  }

  // Returns when `request` has been committed, by this thread or by another one. Small requests are
  // committed in the order in which they came, and so are large ones.
  void Run(Request& request) EXCLUDES_LOCK(mutex_) {
    Waiter self{&request, {}};
    bool is_first = false;
    {
      MutexLock lock(mutex_);
      queue_.push_back(&self);
      is_first = !std::exchange(committing_, true);
    }
    if (is_first && IsSmall(request)) {
      if (!CommitFirstGroup(&self)) handed_over_.Post();
      return;
    }
    if (is_first) handed_over_.Post();
    self.done.Wait();
  }

  // Requests that are being committed or wait for it.
  size_t pending() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return group_size_ + queue_.size();
  }

 private:
  // A thread in Run. What it waits for is its own, so that those who wake together do not meet at
  // one lock.
  struct Waiter {
    Request* request;
    Semaphore done;
  };

  bool IsSmall(const Request& request) const {
    return group_bytes_max_ == kOneByOne || request.bytes <= group_bytes_max_ / kSmallShare;
  }

  void RunThread() {
    WantShortTurns();
    while (true) {
      handed_over_.Wait();
      if (ends()) return;
      while (!CommitFirstGroup(nullptr)) {
      }
    }
  }
  bool ends() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return ends_;
  }

  // Wakes all of the group but `self`, whose thread this is. True when nobody waits any more: the
  // next who comes is first. REQUIRES: somebody waits.
  bool CommitFirstGroup(const Waiter* self) noexcept EXCLUDES_LOCK(mutex_) {
    const std::vector<Waiter*> group = FirstGroup();
    std::vector<Request*> requests;
    requests.reserve(group.size());
    for (const Waiter* const waiter : group) requests.push_back(waiter->request);
    commit_(requests);
    bool is_last = false;
    {
      MutexLock lock(mutex_);
      group_size_ = 0;
      is_last = queue_.empty();
      committing_ = !is_last;
    }
    // They are gone as soon as they are told.
    for (Waiter* const waiter : group) {
      if (waiter != self) waiter->done.Post();
    }
    return is_last;
  }

  // Takes the first in the queue, and those that go with it.
  std::vector<Waiter*> FirstGroup() EXCLUDES_LOCK(mutex_) {
    std::vector<Waiter*> group;
    uint64_t bytes = 0;
    uint64_t small_bytes = 0;  // Of those that go with a full one.
    MutexLock lock(mutex_);
    auto left = queue_.begin();
    for (Waiter* const waiter : queue_) {
      const uint64_t size = waiter->request->bytes;
      const bool is_full = !group.empty() && bytes >= group_bytes_max_;
      const bool is_small = IsSmall(*waiter->request);
      if (is_full && (!is_small || small_bytes >= group_bytes_max_)) {
        *left++ = waiter;
        continue;
      }
      (is_full ? small_bytes : bytes) += size;
      group.push_back(waiter);
    }
    queue_.erase(left, queue_.end());
    group_size_ = group.size();
    return group;
  }

  const uint64_t group_bytes_max_;
  const Commit commit_;
  Semaphore handed_over_;  // To the thread, or its end.
  mutable Mutex mutex_;
  std::deque<Waiter*> queue_ GUARDED_BY(mutex_);  // Those that are not being committed.
  size_t group_size_ GUARDED_BY(mutex_) = 0;      // Those that are.
  bool committing_ GUARDED_BY(mutex_) = false;    // A thread commits, or is about to.
  bool ends_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // After all that it uses.
};

}  // namespace alertjoin
