#include "common/net/listener_rule.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr uint32_t kLoopbackNet = 127;

bool IsLoopback(const in_addr& address) { return ntohl(address.s_addr) >> 24 == kLoopbackNet; }

bool IsLoopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return IsLoopback(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  // ::ffff:127.0.0.1 is the address of a version 4 socket.
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == kLoopbackNet;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace

bool IsLoopback(const std::string& listen_address) {
  if (listen_address.starts_with("unix:") || listen_address.starts_with("unix-abstract:")) {
    return true;
  }
  const size_t colon = listen_address.rfind(':');
  if (colon == listen_address.npos || colon == 0) return false;
  std::string host = listen_address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) return false;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (!IsLoopback(*info->ai_addr)) return false;
  }
  return found != nullptr;
}

absl::Status CheckListener(const ListenerShield& shield, const std::string& listen_address) {
  if (shield.insecure || IsLoopback(listen_address)) return absl::OkStatus();
  const bool certificates_lack = shield.needs_client_certificates && !shield.client_certificates;
  if (shield.tls && !certificates_lack) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{} listener {}: others than this machine can reach it, and it {}: give {}=FILE with "
      "tls_server_config{}, or listen on 127.0.0.1, or give --insecure where everyone who reaches "
      "it may do everything",
      shield.name, Excerpt(listen_address),
      shield.tls ? "does not want certificates of its clients" : "has no TLS", shield.flag,
      shield.needs_client_certificates
          ? " and client_auth_type: RequireAndVerifyClientCert with client_ca_file"
          : ""));
}

}  // namespace alertjoin
