#include "common/net/stop_event.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// poll(2) of up to two descriptors until the deadline. Gives false at the deadline.
bool Poll(pollfd* fds, nfds_t count, StopEvent::Deadline deadline) {
  constexpr int64_t kWaitMsMax = 60'000;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int wait_ms = static_cast<int>(std::clamp<int64_t>(left.count(), 0, kWaitMsMax));
    const int ready = ::poll(fds, count, wait_ms);
    if (ready > 0) return true;
    CHECK(ready == 0 || errno == EINTR);
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
}

}  // namespace

StopEvent::StopEvent() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { CHECK(event_.valid()); }

void StopEvent::Signal() {
  stopped_ = true;
  // Never read, so it stays readable for every waiter.
  const eventfd_t one = 1;
  CHECK(::eventfd_write(event_.get(), one) == 0);
}

StopEvent::Wait StopEvent::WaitFor(int fd, short events, Deadline deadline) const {
  pollfd fds[] = {{fd, events, 0}, {event_.get(), POLLIN, 0}};
  if (!Poll(fds, 2, deadline)) return Wait::kTimedOut;
  return fds[0].revents != 0 ? Wait::kReady : Wait::kStopped;
}

void StopEvent::WaitUntil(Deadline deadline) const {
  pollfd fd{event_.get(), POLLIN, 0};
  Poll(&fd, 1, deadline);
}

bool WaitForFd(int fd, short events, StopEvent::Deadline deadline) {
  pollfd one{fd, events, 0};
  return Poll(&one, 1, deadline);
}

}  // namespace alertjoin
