#include "tests/support/raw_http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Of send and recv, which with a timeout end early in a process that was stopped meanwhile.
template <typename Call>
ssize_t Again(const Call& call) {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

RawHttpClient::RawHttpClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  const timeval wait{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}

RawHttpClient::~RawHttpClient() { ::close(fd_); }

bool RawHttpClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        Again([&] { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawHttpClient::ReceiveMore() {
  char buffer[16 << 10];
  const ssize_t size = Again([&] { return ::recv(fd_, buffer, sizeof(buffer), 0); });
  if (size <= 0) return false;
  received_.append(buffer, static_cast<size_t>(size));
  return true;
}

std::optional<RawHttpResponse> RawHttpClient::Receive(bool after_head) {
  size_t head_end;
  while ((head_end = received_.find("\r\n\r\n")) == received_.npos) {
    if (!ReceiveMore()) return std::nullopt;
  }
  RawHttpResponse response;
  if (received_.rfind("HTTP/1.1 ", 0) != 0) return std::nullopt;
  response.status = std::atoi(received_.c_str() + 9);
  for (size_t at = received_.find("\r\n") + 2; at < head_end + 2;) {
    const size_t end = received_.find("\r\n", at);
    const size_t colon = received_.find(": ", at);
    std::string name = received_.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    response.headers[name] = received_.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  received_.erase(0, head_end + 4);
  // 100 Continue has neither body nor length.
  if (response.status == 100 || after_head) return response;
  if (response.headers.contains("transfer-encoding")) return response;
  if (!response.headers.contains("content-length")) return std::nullopt;
  const size_t size = std::stoul(response.headers["content-length"]);
  while (received_.size() < size) {
    if (!ReceiveMore()) return std::nullopt;
  }
  response.body = received_.substr(0, size);
  received_.erase(0, size);
  return response;
}

std::optional<std::string> RawHttpClient::ReceiveChunk() {
  size_t head_end;
  while ((head_end = received_.find("\r\n")) == received_.npos) {
    if (!ReceiveMore()) return std::nullopt;
  }
  const size_t size = std::stoul(received_, nullptr, 16);
  const size_t whole = head_end + 2 + size + 2;
  while (received_.size() < whole) {
    if (!ReceiveMore()) return std::nullopt;
  }
  std::string chunk = received_.substr(head_end + 2, size);
  received_.erase(0, whole);
  return chunk;
}

std::optional<RawHttpResponse> RawHttpClient::Ask(std::string_view bytes) {
  // What cannot be sent any more may have been answered all the same.
  Send(bytes);
  return Receive();
}

bool RawHttpClient::ServerCloses() {
  char byte;
  return received_.empty() && Again([&] { return ::recv(fd_, &byte, 1, 0); }) == 0;
}

bool RawHttpClient::EndsBroken() {
  char buffer[16 << 10];
  ssize_t size = 0;
  do {
    size = Again([&] { return ::recv(fd_, buffer, sizeof(buffer), 0); });
  } while (size > 0);
  return size < 0 && errno == ECONNRESET;
}

bool RawHttpClient::IsReadable() const {
  pollfd peer{fd_, POLLIN, 0};
  return !received_.empty() || ::poll(&peer, 1, 0) > 0;
}

void RawHttpClient::CloseSending() { ::shutdown(fd_, SHUT_WR); }

std::string PostRequest(std::string_view path, std::string_view body, std::string_view headers) {
  std::string request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n";
  request += "Content-Type: application/json\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += std::string(headers) + "\r\n";
  return request + std::string(body);
}

std::string GetRequest(std::string_view path, std::string_view headers) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "\r\n";
}

}  // namespace alertjoin
