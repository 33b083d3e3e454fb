#include "common/net/tcp_listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "common/log/log.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr int kBacklog = 512;
constexpr Millis kRetryAfterShortage{50};

struct HostAndPort {
  std::string host;
  std::string port;
};

absl::StatusOr<HostAndPort> Split(const std::string& address) {
  const absl::Status malformed = absl::InvalidArgumentError(fmt::format(
      "listen address \"{}\": expected host:port, for example 127.0.0.1:9752 or [::1]:9752",
      Excerpt(address)));
  const size_t colon = address.rfind(':');
  if (colon == address.npos || colon == 0) return malformed;
  HostAndPort parts{address.substr(0, colon), address.substr(colon + 1)};
  int port = -1;
  const char* const end = parts.port.data() + parts.port.size();
  const auto [parsed_to, error] = std::from_chars(parts.port.data(), end, port);
  if (error != std::errc() || parsed_to != end || port < 0 || port > 65535) return malformed;
  if (parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find(':') != parts.host.npos) {
    return malformed;
  }
  return parts;
}

// A socket that listens on `info`; invalid, with errno, when that fails.
UniqueFd Listen(const addrinfo& info) {
  UniqueFd socket(
      ::socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info.ai_protocol));
  if (!socket.valid()) return socket;
  const int on = 1;
  // Reuse of an address whose old connections linger. Not SO_REUSEPORT: that shares a port.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(socket.get(), info.ai_addr, info.ai_addrlen) != 0) return {};
  if (::listen(socket.get(), kBacklog) != 0) return {};
  return socket;
}

int PortOf(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  CHECK(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  // The port lies at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

absl::Status TcpListener::CheckAddress(const std::string& address) {
  return Split(address).status();
}

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Bind(const std::string& address) {
  ASSIGN_OR_RETURN(const HostAndPort parts, Split(address));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found)) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: {}", address, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  int error = 0;
  for (const addrinfo* info = found; info; info = info->ai_next) {
    UniqueFd socket = Listen(*info);
    if (socket.valid()) {
      const int port = PortOf(socket);
      return std::unique_ptr<TcpListener>(new TcpListener(std::move(socket), port));
    }
    error = errno;
  }
  return absl::UnavailableError(
      fmt::format("cannot listen on {}: {}", address, std::strerror(error)));
}

std::optional<UniqueFd> TcpListener::Accept(const StopEvent& stop) {
  static LogLimiter shortage_limiter(std::chrono::seconds(10));
  while (!stop.stopped()) {
    const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      UniqueFd connection(fd);
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return connection;
    }
    switch (errno) {
      case EAGAIN:
        stop.WaitFor(socket_.get(), POLLIN,
                     StopEvent::Deadline::clock::now() + std::chrono::hours(1));
        break;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        if (shortage_limiter.Allow()) {
          LogError("connections wait: cannot accept; raise the limit of open files",
                   {{"error", std::strerror(errno)}});
        }
        stop.WaitUntil(StopEvent::Deadline::clock::now() + kRetryAfterShortage);
        break;
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
      case EFAULT:
        CHECK(false && "the listening socket is gone");
        break;
      default:
        break;  // Of the connection, which is gone; accept(2) lists many.
    }
  }
  return std::nullopt;
}

}  // namespace alertjoin
