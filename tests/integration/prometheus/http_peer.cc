#include "tests/integration/prometheus/http_peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Reads until `data` holds at least `bytes`. False when the peer has closed.
bool ReadMore(int fd, std::string* data) {
  char buffer[16 << 10];
  const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  data->append(buffer, static_cast<size_t>(got));
  return true;
}

size_t ContentLength(const std::string& head) {
  const size_t place = head.find("Content-Length: ");
  return place == std::string::npos
             ? 0
             : static_cast<size_t>(std::strtoull(head.c_str() + place + 16, nullptr, 10));
}

}  // namespace

HttpPeer::HttpPeer(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  CHECK(bind(listener_, generic, length) == 0);
  CHECK(listen(listener_, 64) == 0);
  CHECK(getsockname(listener_, generic, &length) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpPeer::~HttpPeer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::list<std::thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
}

void HttpPeer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    MutexLock lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    ++connections_taken_;
    connections_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpPeer::Serve(int fd) {
  std::string data;
  bool open = true;
  while (open) {
    while (open && data.find("\r\n\r\n") == std::string::npos) open = ReadMore(fd, &data);
    if (!open) break;
    Request request;
    const size_t end = data.find("\r\n\r\n") + 4;
    request.head = data.substr(0, end);
    request.method = data.substr(0, data.find(' '));
    const size_t target = request.method.size() + 1;
    request.target = data.substr(target, data.find(' ', target) - target);
    const size_t length = ContentLength(request.head);
    while (open && data.size() < end + length) open = ReadMore(fd, &data);
    if (!open) break;
    request.body = data.substr(end, length);
    data.erase(0, end + length);
    const std::string answer = handler_(request);
    if (answer.empty()) break;
    if (answer == kNoAnswer) continue;
    open =
        send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
  }
  MutexLock lock(mutex_);
  connections_.remove(fd);
  close(fd);
}

std::string HttpPeer::Answer(int code, const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 {} Test\r\nContent-Length: {}\r\n{}\r\n{}", code, body.size(),
                     headers, body);
}

}  // namespace alertjoin
