#include "correlator-service/pipeline/table_turns.h"

#include <algorithm>
#include <random>
#include <utility>

#include "common/status/error_reason.h"

namespace alertjoin {
namespace {

uint64_t RandomRunId() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

absl::Status Stopping() {
  return MakeError("STOPPING", "the correlator is stopping: ask again later");
}

}  // namespace

TableTurns::TableTurns(std::function<void()> wake)
    : wake_(std::move(wake)), run_id_(RandomRunId()) {}

absl::Status TableTurns::Read(const Turn& turn) {
  Waiting waiting{&turn};
  {
    MutexLock lock(mutex_);
    if (closed_) return Stopping();
    if (waiting_.size() >= kWaitingMax) {
      return MakeError("TOO_MANY_READERS", "too many readers at once: ask again later");
    }
    waiting_.push_back(&waiting);
  }
  wake_();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  MutexLock lock(mutex_);
  while (waiting.state == State::kWaiting) {
    if (changed_.WaitUntil(mutex_, deadline) || waiting.state != State::kWaiting) continue;
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &waiting));
    return MakeError("TABLES_BUSY",
                     "the correlator is too busy to read its tables: ask again later");
  }
  while (waiting.state == State::kRunning) changed_.Wait(mutex_);
  return waiting.state == State::kDone ? absl::OkStatus() : Stopping();
}

TableTurns::Waiting* TableTurns::Next() {
  MutexLock lock(mutex_);
  if (waiting_.empty()) return nullptr;
  Waiting* const next = waiting_.front();
  waiting_.pop_front();
  next->state = State::kRunning;
  return next;
}

void TableTurns::Finish(Waiting* waiting) {
  {
    MutexLock lock(mutex_);
    waiting->state = State::kDone;
  }
  changed_.NotifyAll();
}

void TableTurns::Run(const Engine& engine) {
  const auto end = std::chrono::steady_clock::now() + kBudget;
  while (Waiting* const next = Next()) {
    (*next->turn)(TableReader(engine));
    Finish(next);
    if (std::chrono::steady_clock::now() >= end) return wake_();
  }
}

void TableTurns::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
    for (Waiting* const waiting : waiting_) waiting->state = State::kRefused;
    waiting_.clear();
  }
  changed_.NotifyAll();
}

}  // namespace alertjoin
