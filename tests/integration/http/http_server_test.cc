#include "common/net/http_server.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "common/metrics/metric_families.h"
#include "common/net/admin_endpoints.h"
#include "common/net/http_metrics.h"
#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

TEST_F(HttpServerTest, AParametersValueMayHoldEqualsSigns) {
  Start();
  EXPECT_EQ(Ask(PostRequest("/echo?filter=a=b,c=~%22d%22&plain", "x")).body,
            "|x|filter=a=b,c=~\"d\"|plain=");
}

TEST_F(HttpServerTest, HandlerGetsPathPartsParametersAndBody) {
  Start();
  const auto response = Ask(PostRequest("/echo/a%20b?x=1%2B1&y=z", std::string("b\0dy", 4)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, std::string("a b|b\0dy|x=1+1|y=z", 18));
  EXPECT_EQ(response.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(Ask(PostRequest("/echo", "q")).body, "|q");
  EXPECT_EQ(Ask(GetRequest("/header", "X-Test: 100%25 \r\nx-test: b\r\n")).body, "100%25, b");
  // cpp-httplib adds headers of its own to a request; a client's must not be taken for them.
  EXPECT_EQ(Ask(GetRequest("/header", "REMOTE_ADDR: 1.2.3.4\r\n")).body, "none");
}

TEST_F(HttpServerTest, ConnectionServesManyRequestsOneAfterTheOther) {
  Start();
  RawHttpClient client = Connect();
  for (int i = 0; i < 1500; ++i) {
    const auto response = client.Ask(PostRequest("/echo", std::to_string(i)));
    ASSERT_TRUE(response.has_value()) << i;
    ASSERT_EQ(response->body, "|" + std::to_string(i));
    ASSERT_FALSE(response->headers.contains("connection"));
  }
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Send(PostRequest("/echo", "1") + GetRequest("/hello") + GetRequest("/nope") +
                          PostRequest("/echo", "2")));
  EXPECT_EQ(client.Receive()->body, "|1");
  EXPECT_EQ(client.Receive()->body, "hello\n");
  EXPECT_EQ(client.Receive()->status, 404);
  EXPECT_EQ(client.Receive()->body, "|2");
}

TEST_F(HttpServerTest, RequestInSingleBytesIsRead) {
  Start();
  RawHttpClient client = Connect();
  for (const char c : PostRequest("/echo", "slow")) ASSERT_TRUE(client.Send({&c, 1}));
  EXPECT_EQ(client.Receive()->body, "|slow");
}

TEST_F(HttpServerTest, HeadHasNoBodyAndTheSameLength) {
  Start();
  RawHttpClient client = Connect();
  ASSERT_TRUE(client.Send("HEAD /hello HTTP/1.1\r\n\r\n" + GetRequest("/hello")));
  const auto head = client.Receive(true);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers.at("content-length"), "6");
  EXPECT_EQ(client.Receive()->body, "hello\n");
}

TEST_F(HttpServerTest, CloseIsDoneWhenAskedFor) {
  Start();
  for (const char* header : {"Connection: close\r\n", "Connection: TE, Close\r\n"}) {
    RawHttpClient client = Connect();
    EXPECT_EQ(client.Ask(GetRequest("/hello", header))->headers.at("connection"), "close");
    EXPECT_TRUE(client.ServerCloses());
  }
  RawHttpClient old = Connect();
  EXPECT_EQ(old.Ask("GET /hello HTTP/1.0\r\n\r\n")->body, "hello\n");
  EXPECT_TRUE(old.ServerCloses());
}

TEST_F(HttpServerTest, ExpectContinueIsAnsweredBeforeTheBodyOrRefused) {
  HttpServerOptions options;
  options.body_bytes_max = 10;
  Start(std::move(options));
  RawHttpClient client = Connect();
  const std::string expect = "Expect: 100-continue\r\n";
  const std::string request = PostRequest("/echo", "12345", expect);
  EXPECT_EQ(client.Ask(request.substr(0, request.size() - 5))->status, 100);
  EXPECT_EQ(client.Ask("12345")->body, "|12345");

  RawHttpClient large = Connect();
  const std::string too_large = PostRequest("/echo", "12345678901", expect);
  EXPECT_EQ(large.Ask(too_large.substr(0, too_large.size() - 11))->status, 413);
  EXPECT_TRUE(large.ServerCloses());
}

TEST_F(HttpServerTest, RefusalWithoutBodyKeepsTheConnection) {
  Start();
  RawHttpClient client = Connect();
  EXPECT_EQ(client.Ask(GetRequest("/nope"))->status, 404);
  const auto response = client.Ask("DELETE /echo HTTP/1.1\r\n\r\n");
  EXPECT_EQ(response->status, 405);
  EXPECT_EQ(response->headers.at("allow"), "POST, PUT");
  EXPECT_EQ(client.Ask(GetRequest("/hello"))->body, "hello\n");
}

TEST_F(HttpServerTest, AnswerToAnUnreadBodyArrivesWhileThePeerIsStillSending) {
  HttpServerOptions options;
  options.body_bytes_max = 1000;
  Start(std::move(options));
  RawHttpClient client = Connect();
  const std::string body(8 << 20, 'x');
  EXPECT_EQ(client.Ask(PostRequest("/echo", body)).value_or(RawHttpResponse()).status, 413);
}

TEST_F(HttpServerTest, HostilePathIsMatchedAsBytes) {
  Start();
  EXPECT_EQ(Ask(GetRequest("/%00")).status, 404);
  EXPECT_EQ(Ask(GetRequest("/hello%0A")).status, 404);
  EXPECT_EQ(Ask(PostRequest("/echo/%FF%FE", "")).body, "\xff\xfe|");
  EXPECT_EQ(Ask(GetRequest("/%zz%")).status, 404);
  EXPECT_EQ(Ask(GetRequest("//hello")).status, 404);
  EXPECT_EQ(Ask(GetRequest("/" + std::string(2000, '('))).status, 404);
}

TEST_F(HttpServerTest, ManyRangesDoNotMultiplyAnAnswer) {
  Start();
  std::string ranges = "Range: bytes=0-";
  while (ranges.size() < 7000) ranges += ",0-";
  const auto response = Ask(GetRequest("/hello", ranges + "\r\n"));
  EXPECT_LT(response.body.size(), 100u);
}

TEST_F(HttpServerTest, ExceptionOfAHandlerIsA500AndNotTold) {
  Start();
  RawHttpClient client = Connect();
  for (const std::string& request : {GetRequest("/throw"), PostRequest("/throw", "x")}) {
    const auto response = client.Ask(request);
    EXPECT_EQ(response->status, 500);
    EXPECT_EQ(response->body, "internal error\n");
  }
  ExpectHello();
}

TEST_F(HttpServerTest, BodyThatEndsEarlyIsA400) {
  Start();
  RawHttpClient client = Connect();
  const std::string request = PostRequest("/echo", "12345");
  ASSERT_TRUE(client.Send(request.substr(0, request.size() - 1)));
  client.CloseSending();
  const auto response = client.Receive();
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(response->body, "the connection ended within the body\n");
}

TEST_F(HttpServerTest, IdlePeersEndAtTheirDeadline) {
  HttpServerOptions options;
  options.timeouts.idle = 50ms;
  Start(std::move(options));
  RawHttpClient idle = Connect();
  EXPECT_TRUE(idle.ServerCloses());
}

TEST_F(HttpServerTest, SlowPeersEndAtTheTotalDeadline) {
  HttpServerOptions options;
  options.timeouts.idle = 1h;  // However long this test takes to send anything.
  options.timeouts.head = 50ms;
  options.timeouts.body = 50ms;
  Start(std::move(options));
  RawHttpClient slow_head = Connect();
  ASSERT_TRUE(slow_head.Send("GET /hello HTTP/1.1\r\nX: "));
  EXPECT_EQ(slow_head.Receive()->status, 408);

  RawHttpClient slow_body = Connect();
  ASSERT_TRUE(slow_body.Send("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"));
  const auto response = slow_body.Receive();
  EXPECT_EQ(response->status, 408);
  EXPECT_EQ(response->body, "the body did not come in time\n");
}

TEST_F(HttpServerTest, IdleConnectionsDoNotKeepOthersFromBeingServed) {
  HttpServerOptions options;
  options.threads = 2;
  options.timeouts.idle = 200ms;
  Start(std::move(options));
  std::vector<std::unique_ptr<RawHttpClient>> idle;
  for (int i = 0; i < 6; ++i) idle.push_back(std::make_unique<RawHttpClient>(server_->port()));
  ExpectHello();
}

TEST_F(HttpServerTest, BeyondTheBoundOfWaitingConnectionsItIs503) {
  HttpServerOptions options;
  options.threads = 1;
  options.connections_waiting_max = 1;
  Start(std::move(options));
  RawHttpClient first = Connect();
  ASSERT_TRUE(first.Send(GetRequest("/wait")));
  entered_.Wait();
  RawHttpClient second = Connect();
  RawHttpClient third = Connect();
  EXPECT_EQ(third.Receive()->status, 503);
  EXPECT_EQ(Overloads("connections"), 1);
  release_.Open();
  EXPECT_EQ(first.Receive()->body, "waited\n");
  // An open connection holds no thread.
  EXPECT_EQ(second.Ask(GetRequest("/hello"))->body, "hello\n");
}

TEST_F(HttpServerTest, StopWaitsForTheRequestInProgressAndEndsIdleConnections) {
  HttpServerOptions options;
  options.timeouts.idle = 1h;
  Start(std::move(options));
  RawHttpClient idle = Connect();
  EXPECT_EQ(idle.Ask(GetRequest("/hello"))->status, 200);
  RawHttpClient busy = Connect();
  ASSERT_TRUE(busy.Send(GetRequest("/wait")));
  entered_.Wait();
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    server_->Stop();
    stopped = true;
  });
  EXPECT_TRUE(idle.ServerCloses());
  EXPECT_FALSE(stopped);
  release_.Open();
  EXPECT_EQ(busy.Receive()->body, "waited\n");
  stopper.join();
  server_->Stop();
}

TEST_F(HttpServerTest, StopDoesNotWaitForABodyThatDoesNotCome) {
  HttpServerOptions options;
  options.timeouts.body = 1h;
  Start(std::move(options));
  RawHttpClient client = Connect();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.Receive()->status, 100);
  server_->Stop();
  // Senders repeat what is answered so, and do not repeat a 408.
  EXPECT_EQ(client.Receive()->status, 503);
}

TEST_F(HttpServerTest, PortIsNotShared) {
  Start();
  HttpServerOptions options;
  options.listen_address = "127.0.0.1:" + std::to_string(server_->port());
  HttpServer second(std::move(options));
  EXPECT_THAT(second.Start(), StatusIs(absl::StatusCode::kUnavailable, "Address already in use"));
  EXPECT_EQ(second.port(), 0);
}

TEST_F(HttpServerTest, PortCanBeTakenAgainAtOnce) {
  Start();
  { ExpectHello(); }
  HttpServerOptions options;
  options.listen_address = "127.0.0.1:" + std::to_string(server_->port());
  server_->Stop();
  server_.reset();
  Start(std::move(options));
  ExpectHello();
}

TEST_F(HttpServerTest, BadAddressIsAnError) {
  for (const char* address : {"", "9752", ":9752", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                              "::1:80", "127.0.0.1:-1"}) {
    HttpServerOptions options;
    options.listen_address = address;
    HttpServer server(std::move(options));
    EXPECT_THAT(server.Start(), StatusIs(absl::StatusCode::kInvalidArgument, "expected host:port"))
        << address;
  }
  HttpServerOptions options;
  options.listen_address = "203.0.113.1:0";
  options.insecure = true;
  HttpServer server(std::move(options));
  EXPECT_THAT(server.Start(), StatusIs(absl::StatusCode::kUnavailable, "203.0.113.1:0"));
}

TEST_F(HttpServerTest, AddressThatOthersReachIsRefusedWithoutTls) {
  HttpServerOptions options;
  options.listen_address = "0.0.0.0:0";
  EXPECT_THAT(HttpServer(options).Start(),
              StatusIs(absl::StatusCode::kInvalidArgument, "HTTP listener 0.0.0.0:0"));
  options.insecure = true;
  HttpServer open(options);
  EXPECT_THAT(open.Start(), IsOk());
}

TEST_F(HttpServerTest, ObserverSeesEveryAnswerOnce) {
  Start();
  Ask(GetRequest("/hello"));
  Ask(GetRequest("/nope"));
  Ask("POST /empty HTTP/1.1\r\n\r\n");
  Ask("POST /empty HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n");
  Ask(GetRequest("/throw"));
  server_->Stop();
  EXPECT_THAT(Observed(),
              testing::UnorderedElementsAre("GET /hello 200", "GET  404", "POST /empty 411",
                                            "  400", "GET /throw 500"));
}

TEST_F(HttpServerTest, EmptyAnswersOnOneConnectionAreFast) {
  Start();
  RawHttpClient client = Connect();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.Ask(PostRequest("/empty", "{}"))->status, 200);
  // With Nagle's algorithm against delayed acknowledgements it would be 4 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST(AdminEndpoints, TellHealthReadinessAndMetrics) {
  prometheus::Registry registry;
  OneCounter(registry, "x_total", "x").Increment(3);
  std::atomic<bool> ready{false};
  HttpServerOptions options;
  options.observer = CountHttpRequests(registry);
  HttpServer server(std::move(options));
  AddAdminEndpoints(server, registry, [&ready]() -> absl::Status {
    return ready ? absl::OkStatus() : absl::UnavailableError("replaying");
  });
  ASSERT_THAT(server.Start(), IsOk());
  RawHttpClient client(server.port());
  EXPECT_EQ(client.Ask(GetRequest("/-/healthy"))->status, 200);
  auto response = client.Ask(GetRequest("/-/ready"));
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->body, "not ready: replaying\n");
  ready = true;
  EXPECT_EQ(client.Ask(GetRequest("/-/ready"))->status, 200);
  response = client.Ask(GetRequest("/metrics"));
  EXPECT_EQ(response->headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response->body.find("\nx_total 3\n"), std::string::npos) << response->body;
  EXPECT_NE(response->body.find(
                "alertjoin_http_requests_total{code=\"503\",method=\"GET\",path=\"/-/ready\"} 1\n"),
            std::string::npos)
      << response->body;
}

}  // namespace
}  // namespace alertjoin
