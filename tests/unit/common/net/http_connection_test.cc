#include "common/net/http_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

namespace alertjoin {
namespace {

// A refusal whose peer had no room for it once held the thread that all others wait for.
TEST(HttpConnection, WhoLingersWaitsForNoRoom) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
  const UniqueFd peer(sockets[1]);
  const std::string some(64 << 10, 'x');
  while (::send(sockets[0], some.data(), some.size(), 0) > 0) {
  }
  while (::send(sockets[0], some.data(), 1, 0) > 0) {
  }
  const StopEvent stop;
  HttpByteBudget budget(1 << 20);
  HttpTimeouts timeouts;
  timeouts.write = std::chrono::hours(1);
  HttpConnection connection(UniqueFd(sockets[0]), timeouts, stop, budget);
  connection.write(some.data(), 100);
  connection.StartLinger();
  EXPECT_TRUE(connection.lingering());
  EXPECT_EQ(connection.Gather([](const HttpHead&, const HttpConnection&) { return true; }),
            HttpConnection::Gathered::kClosed);
}

}  // namespace
}  // namespace alertjoin
