#include "ingest-service/alertmanager/large_turns.h"

#include <future>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {

// Only one request at a time has work for the thread; before it, the thread lowers its priority.
LargeTurns::LargeTurns(const Options& options)
    : options_(options), gentle_("large-requests", 1, 2) {
  CHECK(gentle_.TrySubmit(LowerThreadPriority));
}

std::unique_ptr<LargeTurns::Turn> LargeTurns::Wait(const std::string& source) {
  MutexLock lock(mutex_);
  if (closed_) return nullptr;
  if (taken_) {
    const auto others = waiters_.find(source);
    const size_t before = others == waiters_.end() ? 0 : others->second.size();
    if (before >= options_.waiting_of_source_max || waiting_ >= options_.waiting_max) {
      return nullptr;
    }
    Waiter self;
    if (before == 0) circle_.push_back(source);
    waiters_[source].push_back(&self);
    ++waiting_;
    while (!self.has_turn && !self.is_refused) self.called.Wait(mutex_);
    if (self.is_refused) return nullptr;
  }
  taken_ = true;
  return std::make_unique<Turn>(*this);
}

void LargeTurns::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  for (auto& [source, waiters] : waiters_) {
    for (Waiter* const waiter : waiters) {
      waiter->is_refused = true;
      waiter->called.NotifyOne();
    }
  }
  waiters_.clear();
  circle_.clear();
  waiting_ = 0;
}

void LargeTurns::Next() {
  MutexLock lock(mutex_);
  if (circle_.empty()) {
    taken_ = false;
    return;
  }
  std::string source = std::move(circle_.front());
  circle_.pop_front();
  const auto waiters = waiters_.find(source);
  Waiter& next = *waiters->second.front();
  waiters->second.pop_front();
  --waiting_;
  if (waiters->second.empty()) {
    waiters_.erase(waiters);
  } else {
    circle_.push_back(std::move(source));
  }
  next.has_turn = true;
  // With the lock: the waiter is gone as soon as its thread has it.
  next.called.NotifyOne();
}

size_t LargeTurns::waiting() const {
  MutexLock lock(mutex_);
  return waiting_;
}

void LargeTurns::Turn::DoGently(const std::function<void()>& work) {
  // Shared: the thread may still be leaving it when its end is known.
  const auto task = std::make_shared<std::packaged_task<void()>>(work);
  auto done = task->get_future();
  CHECK(turns_.gentle_.TrySubmit([task] { (*task)(); }));
  done.get();
}

}  // namespace alertjoin
