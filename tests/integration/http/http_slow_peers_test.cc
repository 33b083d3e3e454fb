// Peers that take their time: they hold no thread, and what they may hold of memory is bounded.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

constexpr int kSlowPeers = 40;

class HttpSlowPeersTest : public HttpServerTest {
 protected:
  // That many connections with what is no whole request.
  void Drip(const std::string& begun, int peers = kSlowPeers) {
    for (int i = 0; i < peers; ++i) {
      slow_.push_back(std::make_unique<RawHttpClient>(server_->port()));
      ASSERT_TRUE(slow_.back()->Send(begun));
    }
  }
  static HttpServerOptions FewThreads() {
    HttpServerOptions options;
    options.threads = 2;
    options.timeouts.idle = options.timeouts.head = options.timeouts.body = 1h;
    return options;
  }

  std::vector<std::unique_ptr<RawHttpClient>> slow_;
};

TEST_F(HttpSlowPeersTest, HeadsThatDripHoldNoThread) {
  Start(FewThreads());
  Drip("GET /hello HTTP/1.1\r\nX: ");
  ExpectHello();
  // And are requests like others once they are whole.
  ASSERT_TRUE(slow_[7]->Send("1\r\n\r\n"));
  EXPECT_EQ(slow_[7]->Receive()->body, "hello\n");
}

TEST_F(HttpSlowPeersTest, BodiesThatDripHoldNoThread) {
  Start(FewThreads());
  Drip("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell");
  ExpectHello();
  ASSERT_TRUE(slow_[7]->Send("o"));
  EXPECT_EQ(slow_[7]->Receive()->body, "|hello");
}

TEST_F(HttpSlowPeersTest, NextRequestsThatDripHoldNoThread) {
  Start(FewThreads());
  Drip(GetRequest("/hello") + "GET /hello HTT");
  for (const auto& peer : slow_) EXPECT_EQ(peer->Receive()->body, "hello\n");
  ExpectHello();
  ASSERT_TRUE(slow_[7]->Send("P/1.1\r\n\r\n"));
  EXPECT_EQ(slow_[7]->Receive()->body, "hello\n");
}

TEST_F(HttpSlowPeersTest, BodiesThatAreAskedForTakeHalfOfTheThreadsAtMost) {
  Start(FewThreads());
  const std::string asks =
      "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  RawHttpClient first = Connect();
  EXPECT_EQ(first.Ask(asks)->status, 100);
  RawHttpClient second = Connect();
  const auto refused = second.Ask(asks);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.at("connection"), "close");
  EXPECT_EQ(Overloads("awaited_bodies"), 1);
  ExpectHello();
  EXPECT_EQ(first.Ask("hello")->body, "|hello");
  // Its place is free a moment after it has been answered.
  int status = 503;
  while (status == 503) {
    RawHttpClient third = Connect();
    status = third.Ask(asks)->status;
  }
  EXPECT_EQ(status, 100);
}

// They once took a thread each until their bodies came, beyond all bounds.
TEST_F(HttpSlowPeersTest, BodiesOfAnotherExpectationHoldNoThread) {
  Start(FewThreads());
  for (const std::string expectation : {"100-Continue", "x", ""}) {
    Drip("POST /echo HTTP/1.1\r\nContent-Length: 5\r\nExpect: " + expectation + "\r\n\r\nhell");
    ExpectHello();
    ASSERT_TRUE(slow_.back()->Send("o"));
    EXPECT_EQ(slow_.back()->Receive()->body, "|hello");
    slow_.clear();
  }
}

TEST_F(HttpSlowPeersTest, LargeBodiesThatAreNotWholeAreBoundedTogether) {
  HttpServerOptions options = FewThreads();
  options.buffered_bytes_max = 1 << 20;
  Start(std::move(options));
  const std::string head = "POST /empty HTTP/1.1\r\nContent-Length: 900000\r\n\r\n";
  RawHttpClient first = Connect();
  ASSERT_TRUE(first.Send(head + std::string(899'999, 'x')));
  RawHttpClient second = Connect();
  second.Send(head + std::string(600'000, 'x'));
  while (!first.IsReadable() && !second.IsReadable()) std::this_thread::yield();
  // The first one's bytes may come after the second one's; then it is the one.
  if (second.IsReadable()) {
    EXPECT_EQ(second.Receive()->status, 503);
    EXPECT_EQ(first.Ask("x")->status, 200);
  } else {
    EXPECT_EQ(first.Receive()->status, 503);
  }
  // Small ones are taken all the same.
  EXPECT_EQ(Ask(PostRequest("/echo", "hello")).body, "|hello");
}

TEST_F(HttpSlowPeersTest, LateOnesAreToldSo) {
  HttpServerOptions options = FewThreads();
  options.timeouts.head = options.timeouts.body = 50ms;
  Start(std::move(options));
  Drip("GET /hello HTTP/1.1\r\nX: ", 5);
  for (const auto& peer : slow_) EXPECT_EQ(peer->Receive()->status, 408);
  slow_.clear();
  Drip(GetRequest("/hello") + "GET /hello HTT", 1);
  EXPECT_EQ(slow_[0]->Receive()->status, 200);
  EXPECT_EQ(slow_[0]->Receive()->status, 408);
}

TEST_F(HttpSlowPeersTest, WhoAsksNothingMoreIsLetGo) {
  HttpServerOptions options = FewThreads();
  options.timeouts.idle = 200ms;
  Start(std::move(options));
  for (bool answered = false; !answered;) {
    RawHttpClient client = Connect();
    const auto response = client.Ask(GetRequest("/hello"));
    // On a busy machine it may be let go before it has asked anything.
    answered = response.has_value();
    if (!answered) continue;
    EXPECT_EQ(response->status, 200);
    EXPECT_TRUE(client.ServerCloses());
  }
}

TEST_F(HttpSlowPeersTest, ABodyThatNobodyWaitsForIsRefusedWithoutIt) {
  Start(FewThreads());
  Drip("POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nhell", 1);
  EXPECT_EQ(slow_[0]->Receive()->status, 413);
}

// They are given time to read the answer, but no thread.
TEST_F(HttpSlowPeersTest, ThoseThatWereRefusedHoldNoThread) {
  HttpServerOptions options = FewThreads();
  options.timeouts.linger = 1h;
  Start(std::move(options));
  Drip("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  ExpectHello();
  for (const auto& peer : slow_) EXPECT_EQ(peer->Receive()->status, 411);
  ASSERT_TRUE(slow_[7]->Send("still sending"));
  EXPECT_TRUE(slow_[7]->ServerCloses());
}

TEST_F(HttpSlowPeersTest, StopEndsThemAll) {
  Start(FewThreads());
  Drip("", 5);
  Drip("GET /hello HTTP/1.1\r\nX: ", 5);
  Drip("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", 5);
  ExpectHello();
  server_->Stop();
}

}  // namespace
}  // namespace alertjoin
