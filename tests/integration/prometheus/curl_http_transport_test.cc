#include "ingest-service/prometheus/curl_http_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "ingest-service/prometheus/prometheus_client.h"
#include "tests/integration/prometheus/awaited_answer.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

using Awaited = AwaitedAnswer<HttpAnswer>;

HttpCall CallOf(const std::string& url, Millis timeout = seconds(20)) {
  HttpCall call;
  call.lane = "lane";
  call.url = url;
  call.timeout = timeout;
  return call;
}

absl::StatusOr<HttpAnswer> Fetch(HttpTransport& transport, HttpCall call) {
  Awaited answer;
  transport.Start(std::move(call), answer.Callback());
  return answer.Get();
}

HttpPeer Hanging() {
  return HttpPeer([](const HttpPeer::Request&) { return HttpPeer::kNoAnswer; });
}

TEST(CurlHttpTransport, PostsAFormWithHeaders) {
  HttpPeer peer([](const HttpPeer::Request& request) {
    return HttpPeer::Answer(
        200, request.method + " " + request.target + "\n" + request.head + "\n" + request.body);
  });
  CurlHttpTransport transport;
  HttpCall call = CallOf(peer.url() + "/api/v1/query");
  call.form = "query=up";
  call.headers = {"Authorization: Bearer token"};
  const auto answer = Fetch(transport, call);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->code, 200);
  EXPECT_THAT(answer->body, HasSubstr("POST /api/v1/query\n"));
  EXPECT_THAT(answer->body, HasSubstr("Content-Type: application/x-www-form-urlencoded"));
  EXPECT_THAT(answer->body, HasSubstr("Authorization: Bearer token"));
  EXPECT_THAT(answer->body, HasSubstr("\nquery=up"));
  EXPECT_THAT(answer->body, Not(HasSubstr("Expect")));
}

TEST(CurlHttpTransport, GetsAndKeepsAnyCode) {
  HttpPeer peer([](const HttpPeer::Request& request) {
    return HttpPeer::Answer(503, request.method + " " + request.target);
  });
  CurlHttpTransport transport;
  const auto answer = Fetch(transport, CallOf(peer.url() + "/x?a=b"));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->code, 503);
  EXPECT_EQ(answer->body, "GET /x?a=b");
}

TEST(CurlHttpTransport, FollowsNoRedirect) {
  std::atomic<int> requests{0};
  HttpPeer peer([&](const HttpPeer::Request&) {
    ++requests;
    return HttpPeer::Answer(302, "", "Location: /elsewhere\r\n");
  });
  CurlHttpTransport transport;
  const auto answer = Fetch(transport, CallOf(peer.url()));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->code, 302);
  EXPECT_EQ(requests, 1);
}

TEST(CurlHttpTransport, SpeaksHttpOnly) {
  CurlHttpTransport transport;
  for (const std::string url :
       {"file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1"}) {
    EXPECT_THAT(Fetch(transport, CallOf(url)), StatusIs(StatusCode::kInvalidArgument)) << url;
  }
}

TEST(CurlHttpTransport, ReportsAPeerThatIsNotThere) {
  int port = 0;
  {
    HttpPeer gone([](const HttpPeer::Request&) { return ""; });
    port = gone.port();
  }
  CurlHttpTransport transport;
  EXPECT_THAT(Fetch(transport, CallOf("http://127.0.0.1:" + std::to_string(port))),
              StatusIs(StatusCode::kUnavailable));
}

TEST(CurlHttpTransport, ReportsAnAnswerThatBreaksOff) {
  HttpPeer peer([](const HttpPeer::Request& request) -> std::string {
    if (request.target == "/none") return "";
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\npart";
  });
  CurlHttpTransport transport;
  EXPECT_THAT(Fetch(transport, CallOf(peer.url() + "/none")), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Fetch(transport, CallOf(peer.url() + "/part", milliseconds(300))),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST(CurlHttpTransport, TimesOutAPeerThatNeverAnswers) {
  HttpPeer peer = Hanging();
  CurlHttpTransport transport;
  EXPECT_THAT(Fetch(transport, CallOf(peer.url(), milliseconds(200))),
              StatusIs(StatusCode::kDeadlineExceeded));
}

// The deadline is for all of an answer, not for the time in which nothing comes.
TEST(CurlHttpTransport, TimesOutAPeerThatTrickles) {
  HttpPeer peer([](const HttpPeer::Request&) { return HttpPeer::kTrickle; });
  CurlHttpTransport transport;
  EXPECT_THAT(Fetch(transport, CallOf(peer.url(), milliseconds(200))),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST(CurlHttpTransport, RefusesAnAnswerBeyondTheLimit) {
  HttpPeer peer([](const HttpPeer::Request& request) {
    return HttpPeer::Answer(200, std::string(request.target == "/fits" ? 1000 : 1001, 'x'));
  });
  CurlHttpTransportOptions options;
  options.body_bytes_max = 1000;
  CurlHttpTransport transport(options);
  EXPECT_THAT(Fetch(transport, CallOf(peer.url() + "/fits")), IsOk());
  EXPECT_THAT(Fetch(transport, CallOf(peer.url() + "/more")),
              StatusIs(StatusCode::kResourceExhausted, "1000 bytes"));
}

TEST(CurlHttpTransport, UsesAConnectionAgain) {
  HttpPeer peer([](const HttpPeer::Request&) { return HttpPeer::Answer(200, "here"); });
  CurlHttpTransport transport;
  for (int i = 0; i < 50; ++i) ASSERT_THAT(Fetch(transport, CallOf(peer.url())), IsOk()) << i;
  EXPECT_EQ(peer.connections(), 1);
}

TEST(CurlHttpTransport, AFullLaneDelaysNoOther) {
  HttpPeer hanging = Hanging();
  HttpPeer quick([](const HttpPeer::Request&) { return HttpPeer::Answer(200, "here"); });
  CurlHttpTransportOptions options;
  options.in_flight_per_lane_max = 2;
  options.queued_per_lane_max = 3;
  CurlHttpTransport transport(options);
  std::vector<Awaited> stuck(2);
  for (Awaited& answer : stuck) transport.Start(CallOf(hanging.url()), answer.Callback());
  HttpCall call = CallOf(quick.url());
  call.lane = "other";
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Fetch(transport, call), IsOk());
  // By now both stuck ones are under way.
  EXPECT_THAT(Fetch(transport, CallOf(hanging.url(), milliseconds(300))),
              StatusIs(StatusCode::kDeadlineExceeded, "behind other calls"));
  std::vector<Awaited> waiting(4);
  for (Awaited& answer : waiting) transport.Start(CallOf(hanging.url()), answer.Callback());
  EXPECT_THAT(waiting[3].Get(), StatusIs(StatusCode::kResourceExhausted, "lane: 3"));
  ASSERT_THAT(Fetch(transport, call), IsOk());
  EXPECT_FALSE(stuck[0].IsThere(milliseconds(0)));
}

TEST(CurlHttpTransport, StopCancelsEverything) {
  HttpPeer hanging = Hanging();
  CurlHttpTransportOptions options;
  options.in_flight_per_lane_max = 1;
  CurlHttpTransport transport(options);
  std::vector<Awaited> calls(3);
  for (Awaited& call : calls) transport.Start(CallOf(hanging.url()), call.Callback());
  const auto before = std::chrono::steady_clock::now();
  transport.Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(5));
  for (Awaited& call : calls) EXPECT_THAT(call.Get(), StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(Fetch(transport, CallOf(hanging.url())), StatusIs(StatusCode::kCancelled));
}

TEST(PrometheusClient, FallsBackToGetAndRemembers) {
  std::vector<std::string> methods;
  HttpPeer peer([&](const HttpPeer::Request& request) {
    methods.push_back(request.method);
    if (request.method == "POST") return HttpPeer::Answer(405, "no");
    EXPECT_THAT(request.target, HasSubstr("/prefix/api/v1/query?query=up%20%3E%201&time="));
    EXPECT_THAT(request.target, HasSubstr("&timeout=7s"));
    return HttpPeer::Answer(200,
                            R"({"status":"success","data":{"resultType":"vector","result":[]}})");
  });
  CurlHttpTransport transport;
  PrometheusClient client({"p", peer.url() + "/prefix/", seconds(7), {}}, transport);
  for (int i = 0; i < 2; ++i) {
    AwaitedAnswer<QueryResult> answer;
    client.InstantQuery("up > 1", Timestamp::FromMillis(1), "lane", answer.Callback());
    EXPECT_THAT(answer.Get(), IsOk());
  }
  EXPECT_THAT(methods, ::testing::ElementsAre("POST", "GET", "GET"));
}

TEST(PrometheusClient, GetsDataWithParametersAndSaysWhoseErrorItIs) {
  HttpPeer peer([&](const HttpPeer::Request& request) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_THAT(request.head, HasSubstr("X-Scope: a"));
    if (request.target == "/prefix/api/v1/alerts") return HttpPeer::Answer(503, "not ready");
    EXPECT_EQ(request.target, "/prefix/api/v1/rules?type=alert&match%5B%5D=%7Ba%3D%22b%20c%22%7D");
    return HttpPeer::Answer(200, R"({"status":"success","data":{"groups":[]}})");
  });
  CurlHttpTransport transport;
  PrometheusClient client({"p", peer.url() + "/prefix", seconds(7), {"X-Scope: a"}}, transport);
  AwaitedAnswer<nlohmann::json> rules;
  client.GetData("/api/v1/rules", {{"type", "alert"}, {"match[]", "{a=\"b c\"}"}}, "rules",
                 rules.Callback());
  const auto data = rules.Get();
  ASSERT_THAT(data, IsOk());
  EXPECT_TRUE(data->contains("groups"));
  AwaitedAnswer<nlohmann::json> alerts;
  client.GetData("/api/v1/alerts", {}, "rules", alerts.Callback());
  const auto refused = alerts.Get();
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(std::string(refused.status().message()), ::testing::StartsWith("p: HTTP 503"));
}

}  // namespace
}  // namespace alertjoin
