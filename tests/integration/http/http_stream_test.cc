// Answers whose body is sent while it is made.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

class HttpStreamTest : public HttpServerTest {
 protected:
  // Streams what `streamer` sends at /stream, from two places.
  void StartStreaming(HttpStreamer streamer, HttpServerOptions options = {}) {
    options.streams_max = 2;
    options.observer = [this](const std::string& method, const std::string& pattern, int status,
                              std::chrono::duration<double>) {
      MutexLock lock(mutex_);
      observed_.push_back(method + " " + pattern + " " + std::to_string(status));
    };
    server_ = std::make_unique<HttpServer>(std::move(options));
    server_->Handle("GET", "/hello", [](const HttpRequest&) { return Text("hello\n"); });
    server_->Handle("GET", "/stream", [streamer = std::move(streamer)](const HttpRequest&) {
      HttpResponse response;
      response.content_type = "text/event-stream";
      response.stream = streamer;
      return response;
    });
    ASSERT_THAT(server_->Start(), IsOk());
  }
};

TEST_F(HttpStreamTest, ThePartsAreSentAsTheyAreMade) {
  StartStreaming([this](HttpStream& stream) {
    EXPECT_TRUE(stream.Write("one"));
    release_.Wait();
    EXPECT_TRUE(stream.Write("two"));
    EXPECT_TRUE(stream.Write(""));
    return true;
  });
  RawHttpClient client = Connect();
  const auto head = client.Ask(GetRequest("/stream"));
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(head->headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(head->headers.at("connection"), "close");
  EXPECT_FALSE(head->headers.contains("content-length"));
  EXPECT_EQ(client.ReceiveChunk(), "one");
  release_.Open();
  EXPECT_EQ(client.ReceiveChunk(), "two");
  EXPECT_EQ(client.ReceiveChunk(), "");
  EXPECT_TRUE(client.ServerCloses());
  EXPECT_THAT(Observed(), testing::ElementsAre("GET /stream 200"));
}

TEST_F(HttpStreamTest, ALargeBodyArrivesWhole) {
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i);
  StartStreaming([&](HttpStream& stream) { return stream.Write(body); });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  std::string received;
  for (;;) {
    const auto chunk = client.ReceiveChunk();
    ASSERT_TRUE(chunk.has_value());
    if (chunk->empty()) break;
    received += *chunk;
  }
  EXPECT_EQ(received, body);
}

// Who reads a table must notice that the end is missing.
TEST_F(HttpStreamTest, AnIncompleteBodyIsCutOff) {
  StartStreaming([](HttpStream& stream) {
    stream.Write("half");
    return false;
  });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  EXPECT_EQ(client.ReceiveChunk(), "half");
  EXPECT_EQ(client.ReceiveChunk(), std::nullopt);
}

TEST_F(HttpStreamTest, AnExceptionCutsTheBodyOff) {
  StartStreaming([](HttpStream& stream) -> bool {
    stream.Write("half");
    throw std::runtime_error("fault");
  });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  EXPECT_EQ(client.ReceiveChunk(), "half");
  EXPECT_EQ(client.ReceiveChunk(), std::nullopt);
  ExpectHello();
}

TEST_F(HttpStreamTest, AnOlderPeerGetsTheBodyToTheEndOfTheConnection) {
  StartStreaming([](HttpStream& stream) { return stream.Write("all of it"); });
  RawHttpClient client = Connect();
  const auto head = client.Ask("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(head.has_value());  // Neither chunks nor a length.
}

// Its end is that of the connection, which must not look like a good one.
TEST_F(HttpStreamTest, AnOlderPeerFindsTheConnectionOfAnIncompleteBodyBroken) {
  StartStreaming([](HttpStream& stream) { return stream.Write("half") && false; });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Send("GET /stream HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(client.EndsBroken());
  StartStreaming([](HttpStream& stream) { return stream.Write("all of it"); });
  RawHttpClient other = Connect();
  ASSERT_TRUE(other.Send("GET /stream HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(other.EndsBroken());
}

TEST_F(HttpStreamTest, HeadIsAnsweredWithoutABody) {
  StartStreaming([](HttpStream&) -> bool {
    ADD_FAILURE() << "called";
    return true;
  });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Send("HEAD /stream HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.Receive(true)->status, 200);
  EXPECT_TRUE(client.ServerCloses());
}

// Places are few, and none is lost: each of many streams gets one again.
TEST_F(HttpStreamTest, BeyondThePlacesIsRefusedAndNobodyElseWaits) {
  HttpServerOptions options;
  options.threads = 1;
  StartStreaming(
      [](HttpStream& stream) {
        stream.Write("here");
        while (stream.WaitFor(1h)) {
        }
        return false;
      },
      std::move(options));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<RawHttpClient>> held;
    while (held.size() < 2) {
      auto client = std::make_unique<RawHttpClient>(server_->port());
      const auto head = client->Ask(GetRequest("/stream"));
      ASSERT_TRUE(head.has_value());
      // The places of the round before are given back a moment after their peers have gone.
      if (head->status == 503) continue;
      EXPECT_EQ(client->ReceiveChunk(), "here");
      held.push_back(std::move(client));
    }
    const RawHttpResponse third = Ask(GetRequest("/stream"));
    EXPECT_EQ(third.status, 503);
    EXPECT_THAT(third.body, testing::HasSubstr("2 answers are streamed already"));
    ExpectHello();
  }
}

TEST_F(HttpStreamTest, AWaitEndsWhenThePeerGoes) {
  Gate gone;
  StartStreaming([&](HttpStream& stream) {
    stream.Write("here");
    EXPECT_FALSE(stream.WaitFor(1h));
    gone.Open();
    return false;
  });
  {
    RawHttpClient client = Connect();
    ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  }
  gone.Wait();
}

// However much of it the peer takes after the stop: it has a second in all, not for each part.
TEST_F(HttpStreamTest, StopEndsAStreamWhosePeerGoesOnReading) {
  StartStreaming([](HttpStream& stream) {
    const std::string much(1 << 20, 'x');
    while (stream.Write(much)) {
    }
    return false;
  });
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  std::thread reader([&client] {
    while (client.ReceiveChunk().has_value()) {
    }
  });
  server_->Stop();
  reader.join();
}

TEST_F(HttpStreamTest, StopEndsAStreamWhosePeerReadsNothing) {
  HttpServerOptions options;
  options.timeouts.write = 1h;
  StartStreaming(
      [](HttpStream& stream) {
        const std::string much(1 << 20, 'x');
        while (stream.Write(much)) {
        }
        return false;
      },
      std::move(options));
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  server_->Stop();
}

// The same of an answer that is made as a whole.
TEST_F(HttpServerTest, StopEndsAnAnswerWhosePeerReadsNothing) {
  Gate asked;
  HttpServerOptions options;
  options.timeouts.write = 1h;
  server_ = std::make_unique<HttpServer>(std::move(options));
  server_->Handle("GET", "/much", [&asked](const HttpRequest&) {
    asked.Open();
    return Text(std::string(32 << 20, 'x'));
  });
  ASSERT_THAT(server_->Start(), IsOk());
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Send(GetRequest("/much")));
  asked.Wait();
  server_->Stop();
}

TEST_F(HttpStreamTest, AStreamWhosePeerReadsNothingEndsAtTheWriteTimeout) {
  Gate ended;
  HttpServerOptions options;
  options.timeouts.write = 50ms;
  StartStreaming(
      [&](HttpStream& stream) {
        const std::string much(1 << 20, 'x');
        while (stream.Write(much)) {
        }
        ended.Open();
        return false;
      },
      std::move(options));
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Ask(GetRequest("/stream")).has_value());
  ended.Wait();
}

}  // namespace
}  // namespace alertjoin
