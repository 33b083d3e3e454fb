#include "tests/bench/support/http_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "common/status/status.h"
#include "tests/bench/support/bench_tools.h"

namespace alertjoin {
namespace {

constexpr int kPatienceMs = 30'000;
constexpr std::string_view kOk = "HTTP/1.1 200 ";

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  const int on = 1;
  CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  return fd;
}

// One connection: sends, and takes the answer as its bytes come.
class Connection {
 public:
  explicit Connection(int port) : fd_(Connect(port)) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  double seconds() const { return SecondsSince(begin_); }

  // A request is small enough for the socket's buffer: this does not wait long.
  void Send(std::string_view request) {
    begin_ = BenchClock::now();
    while (!request.empty()) {
      const ssize_t sent = send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
      CHECK(sent > 0);
      request.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // There is something to read. True when the answer is complete.
  bool Receive() {
    char buffer[4096];
    const ssize_t size = recv(fd_, buffer, sizeof(buffer), 0);
    CHECK(size > 0);
    received_.append(buffer, static_cast<size_t>(size));
    if (!received_.ends_with("\r\n\r\n")) return false;
    CHECK(received_.starts_with(kOk));
    received_.clear();
    return true;
  }

 private:
  const int fd_;
  BenchClock::time_point begin_;
  std::string received_;
};

}  // namespace

HttpLoadResult RunHttpLoad(int port, size_t connections, const std::vector<std::string>& requests) {
  CHECK(requests.size() >= connections);
  std::vector<std::unique_ptr<Connection>> open;
  std::vector<pollfd> polled;
  for (size_t i = 0; i < connections; ++i) {
    open.push_back(std::make_unique<Connection>(port));
    polled.push_back({open.back()->fd(), POLLIN, 0});
  }
  HttpLoadResult result;
  result.answer_seconds.reserve(requests.size());
  size_t next = 0;
  const double processor_begin = ProcessorSeconds();
  const auto begin = BenchClock::now();
  for (const auto& connection : open) connection->Send(requests[next++]);
  while (result.answer_seconds.size() < requests.size()) {
    CHECK(poll(polled.data(), polled.size(), kPatienceMs) > 0);
    for (size_t i = 0; i < connections; ++i) {
      if (polled[i].revents == 0 || !open[i]->Receive()) continue;
      result.answer_seconds.push_back(open[i]->seconds());
      if (next < requests.size()) open[i]->Send(requests[next++]);
    }
  }
  result.seconds = SecondsSince(begin);
  result.processor_seconds = ProcessorSeconds() - processor_begin;
  return result;
}

}  // namespace alertjoin
