#pragma once

#include <atomic>
#include <chrono>

#include "common/net/unique_fd.h"

namespace alertjoin {

// A one-time signal that waits on sockets can be ended by. Thread-safe.
class StopEvent {
 public:
  enum class Wait { kReady, kTimedOut, kStopped };
  using Deadline = std::chrono::steady_clock::time_point;

  StopEvent();

  // From now on, and for ever, stopped() is true and every wait ends.
  void Signal();
  bool stopped() const { return stopped_; }
  // Readable from the signal on, for waits on many sockets.
  int fd() const { return event_.get(); }

  // Waits until `fd` has one of poll(2)'s `events` (or an error: the next call on it tells), the
  // deadline, or the signal. A ready descriptor goes before the signal.
  Wait WaitFor(int fd, short events, Deadline deadline) const;
  // Waits until the deadline or the signal.
  void WaitUntil(Deadline deadline) const;

 private:
  std::atomic<bool> stopped_ = false;
  UniqueFd event_;
};

// Waits for the descriptor alone: false when the deadline has passed.
bool WaitForFd(int fd, short events, StopEvent::Deadline deadline);

}  // namespace alertjoin
