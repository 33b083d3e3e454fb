#include "common/net/http_lobby.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {
namespace {

using Steady = StopEvent::Deadline::clock;
constexpr size_t kEventsAtOnce = 64;

}  // namespace

struct HttpLobby::Guest {
  std::unique_ptr<HttpConnection> connection;
  StopEvent::Deadline deadline;
  HttpConnection::Part part = HttpConnection::Part::kNothing;
  short watched = 0;
  Guests::iterator self = {};
};

HttpLobby::HttpLobby(const Options& options, const StopEvent& stop, Handlers handlers)
    : options_(options),
      stop_(stop),
      handlers_(std::move(handlers)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_.valid() && wake_.valid());
  for (const int fd : {wake_.get(), stop_.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  }
}

HttpLobby::~HttpLobby() { Stop(); }

void HttpLobby::Start() {
  thread_ = StartThread("http-lobby", [this] {
    WantShortTurns();
    Run();
  });
}

void HttpLobby::Stop() {
  if (thread_.joinable()) thread_.join();
}

bool HttpLobby::Enter(std::unique_ptr<HttpConnection>& connection) {
  if (count_.fetch_add(1) >= options_.connections_max) {
    --count_;
    return false;
  }
  bool first = false;
  {
    MutexLock lock(mutex_);
    if (ended_) {
      --count_;
      connection.reset();
      return true;
    }
    first = entering_.empty();
    entering_.push_back(std::move(connection));
  }
  // One wake is enough for all that enter until they are taken.
  if (first) ::eventfd_write(wake_.get(), 1);
  return true;
}

void HttpLobby::Run() {
  std::array<epoll_event, kEventsAtOnce> events{};
  while (!(stopping_ && guests_.empty())) {
    const Millis left = std::chrono::ceil<Millis>(next_end_ - Steady::now());
    const int timeout = next_end_ == StopEvent::Deadline::max()
                            ? -1
                            : static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, timeout);
    if (stop_.stopped() && !stopping_) {
      stopping_ = true;
      // It stays readable for ever.
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stop_.fd(), nullptr);
      const StopEvent::Deadline last = Steady::now() + kGraceAfterStop;
      for (Guest& guest : guests_) {
        const bool begun = guest.part != HttpConnection::Part::kNothing;
        guest.deadline = begun ? std::min(guest.deadline, last) : StopEvent::Deadline::min();
      }
      next_end_ = StopEvent::Deadline::min();
      MutexLock lock(mutex_);
      ended_ = true;
      count_ -= entering_.size();
      entering_.clear();
    }
    for (int i = 0; i < count; ++i) {
      auto* const guest = static_cast<Guest*>(events[static_cast<size_t>(i)].data.ptr);
      if (guest != nullptr) {
        Serve(guest->self);
      } else {
        TakeEntering();
      }
    }
    if (const auto now = Steady::now(); now >= next_end_) EndLate(now);
  }
}

void HttpLobby::TakeEntering() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  std::vector<std::unique_ptr<HttpConnection>> entering;
  {
    MutexLock lock(mutex_);
    entering.swap(entering_);
  }
  for (auto& connection : entering) {
    guests_.push_front(Guest{std::move(connection), Steady::now() + options_.timeouts.idle});
    guests_.front().self = guests_.begin();
    Guest& guest = guests_.front();
    if (guest.connection->lingering()) {
      guest.deadline = Steady::now() + options_.timeouts.linger;
    } else if (guest.connection->shaking_hands()) {
      guest.deadline = Steady::now() + options_.timeouts.head;
    }
    next_end_ = std::min(next_end_, guest.deadline);
    Watch(guest, true);
    // What came before is told by nobody.
    Serve(guests_.begin());
  }
}

void HttpLobby::Watch(Guest& guest, bool is_new) {
  const short wanted = is_new ? static_cast<short>(POLLIN) : guest.connection->wanted();
  if (wanted == guest.watched) return;
  guest.watched = wanted;
  epoll_event event{};
  event.events = static_cast<uint32_t>(wanted);  // poll(2)'s and epoll's are the same.
  event.data.ptr = &guest;
  CHECK(::epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                    guest.connection->socket(), &event) == 0);
}

std::unique_ptr<HttpConnection> HttpLobby::Leave(Guests::iterator guest) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest->connection->socket(), nullptr);
  std::unique_ptr<HttpConnection> connection = std::move(guest->connection);
  guests_.erase(guest);
  --count_;
  return connection;
}

void HttpLobby::Serve(Guests::iterator guest) {
  using Gathered = HttpConnection::Gathered;
  const Gathered gathered = guest->connection->Gather(handlers_.waits_for_body);
  // One that is whole holds on to it until it has been served.
  const bool fits = guest->connection->lingering() ||
                    guest->connection->share().Hold(guest->connection->buffered());
  switch (gathered) {
    case Gathered::kReady:
      return (fits ? handlers_.ready : handlers_.no_room)(Leave(guest));
    case Gathered::kClosed:
      Leave(guest);
      return;
    case Gathered::kFailedHandshake:
      handlers_.failed_handshake();
      Leave(guest);
      return;
    case Gathered::kMore:
      break;
  }
  if (!fits) return handlers_.no_room(Leave(guest));
  if (guest->connection->lingering()) return;
  if (const auto part = guest->connection->part(); part != guest->part) {
    guest->part = part;
    const Millis span = part == HttpConnection::Part::kHead   ? options_.timeouts.head
                        : part == HttpConnection::Part::kBody ? options_.timeouts.body
                                                              : options_.timeouts.idle;
    guest->deadline = Steady::now() + (stopping_ ? std::min(span, kGraceAfterStop) : span);
    next_end_ = std::min(next_end_, guest->deadline);
  }
  Watch(*guest, false);
}

void HttpLobby::EndLate(StopEvent::Deadline now) {
  next_end_ = StopEvent::Deadline::max();
  for (auto guest = guests_.begin(); guest != guests_.end();) {
    const auto here = guest++;
    if (here->deadline > now) {
      next_end_ = std::min(next_end_, here->deadline);
    } else if (here->part == HttpConnection::Part::kNothing) {
      Leave(here);
    } else {
      here->connection->SetOutOfTime();
      handlers_.ready(Leave(here));
    }
  }
}

}  // namespace alertjoin
