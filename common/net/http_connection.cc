#include "common/net/http_connection.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace alertjoin {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kGatherBytesMax = 256 << 10;
constexpr size_t kUnsentBytesMax = 256 << 10;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
// As cpp-httplib knows it, to the letter: of any other expectation no handler of ours is asked.
constexpr std::string_view kExpectContinue = "100-continue";

StopEvent::Deadline In(Millis span) { return StopEvent::Deadline::clock::now() + span; }

void AddressOf(const sockaddr_storage& address, std::string& ip, int& port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    port = ntohs(v6.sin6_port);
  }
  ip = text;
}

}  // namespace

HttpConnection::HttpConnection(UniqueFd socket, const HttpTimeouts& timeouts, const StopEvent& stop,
                               HttpByteBudget& budget, const TlsContext& tls)
    : socket_(std::move(socket)), timeouts_(timeouts), stop_(stop), share_(budget) {
  if (tls.context != nullptr) tls_ = std::make_unique<TlsSession>(tls, socket_.get());
}

bool HttpConnection::IsWhole(const WaitsForBody& waits_for_body) {
  if (whole_bytes_ == 0) {
    part_ = received_.empty() ? Part::kNothing : Part::kHead;
    const size_t end = received_.find(kHeadEnd, searched_);
    if (end == received_.npos || end + kHeadEnd.size() > kHttpHeadBytesMax) {
      searched_ = received_.size() < kHeadEnd.size() ? 0 : received_.size() - kHeadEnd.size() + 1;
      return received_.size() >= kHttpHeadBytesMax;
    }
    part_ = Part::kBody;
    whole_bytes_ = end + kHeadEnd.size();
    const auto parsed = ParseHttpHead(std::string_view(received_).substr(0, whole_bytes_));
    const auto* const head = std::get_if<HttpHead>(&parsed);
    if (head != nullptr && head->Get("expect") != kExpectContinue && waits_for_body(*head, *this)) {
      whole_bytes_ += head->content_length.value_or(0);
    }
  }
  return received_.size() >= whole_bytes_;
}

std::string_view HttpConnection::first_line() const {
  const std::string_view here = std::string_view(received_).substr(consumed_);
  return here.substr(0, here.find('\r'));
}

void HttpConnection::StartLinger() {
  // What was kept of a refused body: before the peer hears of it, and sends the next one.
  std::string().swap(received_);
  consumed_ = 0;
  share_.Hold(0);
  SendAtOnce();
  if (tls_ != nullptr && !broken_) tls_->CloseSending();
  ::shutdown(socket_.get(), SHUT_WR);
  lingering_ = true;
}

HttpConnection::Gathered HttpConnection::Discard() {
  if (broken_) return Gathered::kClosed;
  wanted_ = POLLIN;
  char discarded[kReadBytes];
  for (size_t taken = 0; taken < kGatherBytesMax;) {
    const ssize_t size = ::recv(socket_.get(), discarded, sizeof(discarded), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return Gathered::kClosed;
    if (size < 0 && errno == EAGAIN) break;
    taken += static_cast<size_t>(std::max<ssize_t>(size, 0));
  }
  return Gathered::kMore;
}

HttpConnection::Gathered HttpConnection::Gather(const WaitsForBody& waits_for_body) {
  if (lingering_) return Discard();
  out_of_time_ = false;
  if (shaking_hands()) {
    const int result = tls_->Handshake();
    wanted_ = tls_->wanted();
    if (result <= 0) {
      return result < 0 && errno == EAGAIN ? Gathered::kMore : Gathered::kFailedHandshake;
    }
    hands_shaken_ = true;
    certificate_name_ = tls_->CertificateName();
    certificate_chain_ = tls_->CertificateChain();
  }
  if (consumed_ > 0) {
    received_.erase(0, consumed_);
    consumed_ = searched_ = whole_bytes_ = 0;
  }
  for (size_t taken = 0;;) {
    if (IsWhole(waits_for_body)) return Gathered::kReady;
    // Others wait; but what was decrypted already is told by no socket.
    if (taken >= kGatherBytesMax && (tls_ == nullptr || !tls_->pending())) {
      wanted_ = POLLIN;
      return Gathered::kMore;
    }
    const size_t before = received_.size();
    // Not by doubling: large bodies would take twice what is counted of them.
    if (before >= kGatherBytesMax && received_.capacity() < whole_bytes_ + kReadBytes) {
      received_.reserve(whole_bytes_ + kReadBytes);
    }
    // Into the string at once, all that room would have to be zeroed for each request.
    char bytes[kReadBytes];
    const ssize_t size = TryReceive(bytes, sizeof(bytes));
    if (size > 0) {
      received_.append(bytes, static_cast<size_t>(size));
      taken += static_cast<size_t>(size);
    } else if (size < 0 && errno == EAGAIN) {
      return Gathered::kMore;
    } else if (size == 0 || errno != EINTR) {
      return part_ == Part::kBody ? Gathered::kReady : Gathered::kClosed;
    }
  }
}

HttpConnection::Gathered HttpConnection::GatherWithin(Millis patience,
                                                      const WaitsForBody& waits_for_body) {
  const Gathered gathered = Gather(waits_for_body);
  if (gathered != Gathered::kMore || patience <= Millis(0)) return gathered;
  if (stop_.WaitFor(socket_.get(), wanted_, In(patience)) != StopEvent::Wait::kReady) {
    return gathered;
  }
  return Gather(waits_for_body);
}

ssize_t HttpConnection::TryReceive(char* data, size_t size) {
  if (tls_ == nullptr) {
    wanted_ = POLLIN;
    return ::recv(socket_.get(), data, size, 0);
  }
  const ssize_t received = tls_->Receive(data, size);
  wanted_ = tls_->wanted();
  return received;
}

ssize_t HttpConnection::TrySend(const char* data, size_t size) {
  if (tls_ == nullptr) {
    wanted_ = POLLOUT;
    return ::send(socket_.get(), data, size, MSG_NOSIGNAL);
  }
  const ssize_t sent = tls_->Send(data, size);
  wanted_ = tls_->wanted();
  // The end of TLS is no room for more.
  if (sent == 0) errno = EPIPE;
  return sent == 0 ? -1 : sent;
}

HttpConnection::HeadResult HttpConnection::ReadHead() {
  received_.erase(0, consumed_);
  consumed_ = 0;
  timed_out_ = false;
  bool begun = !received_.empty();
  deadline_ = In(begun ? timeouts_.head : timeouts_.idle);
  // An idle connection ends at once when the server stops; one that has data is heard.
  const bool waits = !begun && (tls_ == nullptr || !tls_->pending());
  if (waits && stop_.WaitFor(socket_.get(), POLLIN, deadline_) != StopEvent::Wait::kReady) {
    return HeadResult::kClosed;
  }
  for (size_t searched = 0;;) {
    const size_t end = received_.find(kHeadEnd, searched);
    if (end != received_.npos && end + kHeadEnd.size() <= kHttpHeadBytesMax) {
      head_end_ = end + kHeadEnd.size();
      return HeadResult::kComplete;
    }
    if (received_.size() >= kHttpHeadBytesMax) return HeadResult::kTooLarge;
    if (out_of_time_) return HeadResult::kTimedOut;
    searched = received_.size() < kHeadEnd.size() ? 0 : received_.size() - kHeadEnd.size() + 1;

    const size_t before = received_.size();
    received_.resize(before + kReadBytes);
    const ssize_t size = Receive(received_.data() + before, kReadBytes);
    received_.resize(before + static_cast<size_t>(std::max<ssize_t>(size, 0)));
    if (size <= 0) {
      return timed_out_ && begun ? HeadResult::kTimedOut : HeadResult::kClosed;
    }
    if (!begun) {
      begun = true;
      deadline_ = In(stop_seen_ ? kGraceAfterStop : timeouts_.head);
    }
  }
}

std::string_view HttpConnection::head() const {
  return std::string_view(received_).substr(0, head_end_);
}

std::optional<std::string> HttpConnection::TakeBody(size_t size) {
  if (buffered() < size) return std::nullopt;
  std::string next = received_.substr(consumed_ + size);
  received_.resize(consumed_ + size);
  received_.erase(0, consumed_);
  std::string body = std::exchange(received_, std::move(next));
  consumed_ = searched_ = whole_bytes_ = 0;
  return body;
}

void HttpConnection::StartBody() {
  deadline_ = In(out_of_time_ ? Millis(0) : stop_seen_ ? kGraceAfterStop : timeouts_.body);
}

ssize_t HttpConnection::Receive(char* data, size_t size) {
  while (true) {
    const ssize_t received = TryReceive(data, size);
    if (received >= 0) return received;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -1;
    if (stop_seen_) {
      if (WaitForFd(socket_.get(), wanted_, deadline_)) continue;
      timed_out_ = true;
      return -1;
    }
    switch (stop_.WaitFor(socket_.get(), wanted_, deadline_)) {
      case StopEvent::Wait::kReady:
        break;
      case StopEvent::Wait::kTimedOut:
        timed_out_ = true;
        return -1;
      case StopEvent::Wait::kStopped:
        SeeStop();
        deadline_ = std::min(deadline_, grace_end_);
        break;
    }
  }
}

ssize_t HttpConnection::read(char* data, size_t size) {
  if (consumed_ < received_.size()) {
    const size_t taken = std::min(size, received_.size() - consumed_);
    std::memcpy(data, received_.data() + consumed_, taken);
    consumed_ += taken;
    return static_cast<ssize_t>(taken);
  }
  // "100 Continue" must be out before the body is waited for.
  if (!Flush()) return -1;
  return Receive(data, size);
}

ssize_t HttpConnection::write(const char* data, size_t size) {
  unsent_.append(data, size);
  if (unsent_.size() > kUnsentBytesMax && !Flush()) return -1;
  return broken_ ? -1 : static_cast<ssize_t>(size);
}

bool HttpConnection::Flush() { return Send(/*is_stream=*/false); }
bool HttpConnection::FlushStream() { return Send(/*is_stream=*/true); }

void HttpConnection::SeeStop() {
  if (stop_seen_) return;
  stop_seen_ = true;
  grace_end_ = In(kGraceAfterStop);
}

bool HttpConnection::Send(bool is_stream) {
  StopEvent::Deadline deadline = In(timeouts_.write);
  if (stop_.stopped()) {
    SeeStop();
    deadline = std::min(deadline, is_stream ? grace_end_ : In(kGraceAfterStop));
    // A peer that always has room for more of a stream has no more time than others.
    broken_ = broken_ || StopEvent::Deadline::clock::now() >= deadline;
  }
  size_t sent = 0;
  while (!broken_ && sent < unsent_.size()) {
    const ssize_t size = TrySend(unsent_.data() + sent, unsent_.size() - sent);
    if (size >= 0) {
      sent += static_cast<size_t>(size);
    } else if (errno == EAGAIN && !stop_seen_) {
      const StopEvent::Wait wait = stop_.WaitFor(socket_.get(), wanted_, deadline);
      broken_ = wait == StopEvent::Wait::kTimedOut;
      if (wait == StopEvent::Wait::kStopped) {
        SeeStop();
        deadline = std::min(deadline, grace_end_);
      }
    } else if (errno == EAGAIN) {
      broken_ = !WaitForFd(socket_.get(), wanted_, deadline);
    } else if (errno != EINTR) {
      broken_ = true;
    }
  }
  unsent_.clear();
  return !broken_;
}

void HttpConnection::SendAtOnce() {
  size_t sent = 0;
  while (!broken_ && sent < unsent_.size()) {
    const ssize_t size = TrySend(unsent_.data() + sent, unsent_.size() - sent);
    sent += static_cast<size_t>(std::max<ssize_t>(size, 0));
    broken_ = size < 0 && errno != EINTR;
  }
  unsent_.clear();
}

bool HttpConnection::WaitWhileOpen(StopEvent::Deadline deadline) const {
  if (broken_ || stop_.stopped()) return false;
  return stop_.WaitFor(socket_.get(), POLLRDHUP, deadline) == StopEvent::Wait::kTimedOut;
}

void HttpConnection::Close(bool may_wait) {
  Flush();
  if (tls_ != nullptr && !broken_) tls_->CloseSending();
  ::shutdown(socket_.get(), SHUT_WR);
  if (!may_wait || broken_) return;
  const StopEvent::Deadline deadline = In(timeouts_.linger);
  char discarded[kReadBytes];
  while (true) {
    const ssize_t size = ::recv(socket_.get(), discarded, sizeof(discarded), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
    // Also checked after bytes: a peer that never stops sending must not hold the thread.
    if (StopEvent::Deadline::clock::now() >= deadline || stop_.stopped()) return;
    if (size < 0) stop_.WaitFor(socket_.get(), POLLIN, deadline);
  }
}

void HttpConnection::Break() {
  broken_ = true;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool HttpConnection::is_readable() const {
  return consumed_ < received_.size() || (tls_ != nullptr && tls_->pending()) ||
         WaitForFd(socket_.get(), POLLIN, StopEvent::Deadline::clock::now());
}

bool HttpConnection::is_writable() const { return !broken_; }

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    AddressOf(address, ip, port);
  }
}

void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    AddressOf(address, ip, port);
  }
}

}  // namespace alertjoin
