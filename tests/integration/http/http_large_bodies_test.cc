// What large bodies take of memory is bounded from their first byte until their handler returns.

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

constexpr size_t kBytesMax = 1 << 20;
constexpr char kRefusal[] = "too many large requests at once\n";

class HttpLargeBodiesTest : public HttpServerTest {
 protected:
  void StartWith(size_t threads) {
    HttpServerOptions options;
    options.threads = threads;
    options.buffered_bytes_max = kBytesMax;
    options.timeouts.idle = 1h;
    Start(std::move(options));
  }
  static std::string Large(const std::string& path, size_t bytes = 700'000) {
    return PostRequest(path, std::string(bytes, 'x'));
  }
  void ExpectAllRoomIsFree() {
    EXPECT_EQ(Ask(Large("/empty", kBytesMax - 1000)).status, 200);
    RawHttpClient client = Connect();
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(client.Ask(Large("/empty", kBytesMax - 1000))->status, 200);
    }
  }
};

TEST_F(HttpLargeBodiesTest, ABodyInItsHandlerCounts) {
  StartWith(2);
  RawHttpClient first = Connect();
  ASSERT_TRUE(first.Send(Large("/wait")));
  entered_.Wait();
  const RawHttpResponse refused = Ask(Large("/empty"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, kRefusal);
  // One of which all comes at once, too.
  EXPECT_EQ(Ask(Large("/empty", 400'000)).status, 503);
  EXPECT_EQ(Ask(Large("/empty", 200'000)).status, 200);
  EXPECT_EQ(Ask(PostRequest("/echo", "hello")).body, "|hello");
  EXPECT_EQ(Overloads("large_bodies"), 2);
  release_.Open();
  EXPECT_EQ(first.Receive()->body, "waited\n");
  EXPECT_EQ(first.Ask(Large("/empty"))->status, 200);
  ExpectAllRoomIsFree();
}

TEST_F(HttpLargeBodiesTest, BodiesThatWaitForAThreadCount) {
  StartWith(1);
  RawHttpClient busy = Connect();
  ASSERT_TRUE(busy.Send(GetRequest("/wait")));
  entered_.Wait();
  RawHttpClient one = Connect();
  RawHttpClient other = Connect();
  // Which of them is the second is not known before; it may be cut off while it sends.
  one.Send(Large("/empty"));
  other.Send(Large("/empty"));
  while (!one.IsReadable() && !other.IsReadable()) std::this_thread::yield();
  RawHttpClient& refused = one.IsReadable() ? one : other;
  RawHttpClient& taken = one.IsReadable() ? other : one;
  EXPECT_EQ(refused.Receive()->body, kRefusal);
  EXPECT_FALSE(taken.IsReadable());
  release_.Open();
  EXPECT_EQ(taken.Receive()->status, 200);
  EXPECT_EQ(busy.Receive()->status, 200);
  ExpectAllRoomIsFree();
}

TEST_F(HttpLargeBodiesTest, BodiesThatAreAskedForCount) {
  StartWith(4);
  const std::string asks =
      "POST /empty HTTP/1.1\r\nContent-Length: 700000\r\nExpect: 100-continue\r\n\r\n";
  RawHttpClient first = Connect();
  EXPECT_EQ(first.Ask(asks)->status, 100);
  RawHttpClient second = Connect();
  const auto refused = second.Ask(asks);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->body, kRefusal);
  EXPECT_EQ(Overloads("large_bodies"), 1);
  EXPECT_EQ(Ask(Large("/empty")).status, 503);
  EXPECT_EQ(first.Ask(std::string(700'000, 'x'))->status, 200);
  RawHttpClient third = Connect();
  EXPECT_EQ(third.Ask(asks)->status, 100);
  EXPECT_EQ(third.Ask(std::string(700'000, 'x'))->status, 200);
  ExpectAllRoomIsFree();
}

// Strangers could once hold all the room there is with bodies that nobody takes.
TEST_F(HttpLargeBodiesTest, ThoseThatAreRefusedForTheirHeadAreNotWaitedFor) {
  StartWith(2);
  const std::pair<const char*, int> heads[] = {
      {"POST /nowhere HTTP/1.1\r\nContent-Length: 700000\r\n\r\n", 404},
      {"POST /hello HTTP/1.1\r\nContent-Length: 700000\r\n\r\n", 405},
      {"GET /hello HTTP/1.1\r\nContent-Length: 700000\r\n\r\n", 400},
      {"POST /empty HTTP/1.1\r\nContent-Length: 700000\r\nContent-Encoding: gzip\r\n\r\n", 415},
  };
  for (const auto& [head, status] : heads) {
    RawHttpClient client = Connect();
    EXPECT_EQ(client.Ask(head)->status, status);
    EXPECT_TRUE(client.ServerCloses());
  }
  ExpectAllRoomIsFree();
}

TEST_F(HttpLargeBodiesTest, ThoseThatFailOrGoGiveTheirRoomBack) {
  StartWith(2);
  EXPECT_EQ(Ask(Large("/throw")).status, 500);
  RawHttpClient lost = Connect();
  EXPECT_EQ(lost.Ask(Large("/nowhere"))->status, 404);
  EXPECT_TRUE(lost.ServerCloses());
  RawHttpClient half = Connect();
  ASSERT_TRUE(half.Send(Large("/empty").substr(0, 600'000)));
  half.CloseSending();
  EXPECT_EQ(half.Receive()->status, 400);
  EXPECT_TRUE(half.ServerCloses());
  ExpectAllRoomIsFree();
}

TEST_F(HttpLargeBodiesTest, WhatComesBehindALargeBodyIsTheNextRequest) {
  StartWith(2);
  RawHttpClient client = Connect();
  const std::string body(300'000, 'y');
  const std::string echo = PostRequest("/echo", body);
  ASSERT_TRUE(client.Send(echo + GetRequest("/hello") + echo + PostRequest("/echo", "z")));
  EXPECT_EQ(client.Receive()->body, "|" + body);
  EXPECT_EQ(client.Receive()->body, "hello\n");
  EXPECT_EQ(client.Receive()->body, "|" + body);
  EXPECT_EQ(client.Receive()->body, "|z");
  ExpectAllRoomIsFree();
}

}  // namespace
}  // namespace alertjoin
