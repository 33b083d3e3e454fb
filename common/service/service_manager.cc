#include "common/service/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <system_error>

#include "common/net/unique_fd.h"

namespace alertjoin {
namespace {

// As sd_notify(3) has them: a path, or a name in the abstract namespace behind '@'.
std::optional<sockaddr_un> AddressOf(std::string_view socket, socklen_t& bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool known = socket.starts_with('/') || socket.starts_with('@');
  if (!known || socket.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket.front() == '@') address.sun_path[0] = '\0';
  bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  return address;
}

void Tell(std::string_view message) {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  if (socket == nullptr) return;
  socklen_t bytes = 0;
  const auto address = AddressOf(socket, bytes);
  if (!address.has_value()) return;
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return;
  ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&*address), bytes);
}

std::optional<int64_t> NumberOf(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int64_t number = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

void TellReady() { Tell("READY=1"); }
void TellStopping() { Tell("STOPPING=1"); }
void TellAlive() { Tell("WATCHDOG=1"); }

void TellReloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t micros = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  Tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

std::optional<std::chrono::microseconds> AliveInterval() {
  const auto limit = NumberOf("WATCHDOG_USEC");
  if (!limit.has_value() || *limit <= 0) return std::nullopt;
  const auto watched = NumberOf("WATCHDOG_PID");
  if (watched.has_value() && *watched != getpid()) return std::nullopt;
  return std::chrono::microseconds(*limit / 2);
}

}  // namespace alertjoin
