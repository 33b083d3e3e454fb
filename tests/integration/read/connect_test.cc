// Unary calls over HTTP in the Connect protocol's form.

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "alertjoin/v1/correlator_service.pb.h"
#include "tests/integration/read/http_read_fixture.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using ConnectTest = HttpReadTest;

json ErrorOf(const RawHttpResponse& response) {
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  return json::parse(response.body);
}

TEST_F(ConnectTest, AnswersAreThoseOfGrpc) {
  StartHttp();
  CommitRows(3);
  const auto response = Call("ListJoinedRows", R"({"pageSize":2,"from":"2026-03-01T00:00:02Z"})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  const json answer = json::parse(response.body);
  ASSERT_EQ(answer["rows"].size(), 2u);
  EXPECT_EQ(answer["rows"][0]["transition"]["alertName"], "alert3");
  EXPECT_EQ(answer["rows"][0]["match"]["value"], 3);
  EXPECT_EQ(answer["rows"][0]["transition"]["eventTime"], "2026-03-01T00:00:03Z");
  EXPECT_EQ(answer["sequence"], "1");
  // Counted and limited where gRPC's calls are.
  EXPECT_THAT(
      Metrics(),
      HasSubstr("alertjoin_grpc_requests_total{code=\"OK\",method=\"ListJoinedRows\"} 1\n"));
}

TEST_F(ConnectTest, AnEmptyBodyIsAnEmptyRequest) {
  StartHttp();
  EXPECT_EQ(Call("ListJoinedRows", "").body, "{}");
  EXPECT_EQ(Call("ListJoinedRows", "{}").body, "{}");
  EXPECT_EQ(Call("ListQueries", "{}").body, "{}");
}

TEST_F(ConnectTest, SerialisedMessagesAreTakenToo) {
  StartHttp();
  CommitRows(3);
  v1::ListJoinedRowsRequest request;
  request.set_page_size(1);
  const std::string body = request.SerializeAsString();
  RawHttpClient client(http_->port());
  const auto response = client.Ask(
      "POST /alertjoin.v1.CorrelatorService/ListJoinedRows HTTP/1.1\r\nHost: test\r\n"
      "Content-Type: application/proto\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->headers.at("content-type"), "application/proto");
  v1::ListJoinedRowsResponse answer;
  ASSERT_TRUE(answer.ParseFromString(response->body));
  EXPECT_EQ(answer.rows_size(), 1);
}

// A message that says nothing has no bytes; clients of the protocol look at its type all the same.
TEST_F(ConnectTest, AnEmptySerialisedMessageHasItsType) {
  StartHttp();
  RawHttpClient client(http_->port());
  const auto response = client.Ask(
      "POST /alertjoin.v1.CorrelatorService/ListQueries HTTP/1.1\r\nHost: test\r\n"
      "Content-Type: application/proto\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");
  ASSERT_TRUE(response->headers.contains("content-type"));
  EXPECT_EQ(response->headers.at("content-type"), "application/proto");
}

TEST_F(ConnectTest, ErrorsOfTheCallCarryTheirDetails) {
  StartHttp();
  const auto response = Call("ListJoinedRows", R"({"pageSize":-1})");
  EXPECT_EQ(response.status, 400);
  const json error = ErrorOf(response);
  EXPECT_EQ(error["code"], "invalid_argument");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("page_size"));
  EXPECT_EQ(error["details"][0]["debug"]["reason"], "INVALID_PAGE_SIZE");
  EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], "page_size");

  const auto missing = Call("GetAlertContext", R"({"rowId":"00000000000000000000000000000001"})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(ErrorOf(missing)["code"], "not_found");
}

TEST_F(ConnectTest, AnUnknownFieldIsNamed) {
  StartHttp();
  const auto response = Call("ListJoinedRows", R"({"filter":"", "filterr":"x"})");
  EXPECT_EQ(response.status, 400);
  const json error = ErrorOf(response);
  EXPECT_EQ(error["message"], "request: there is no field filterr");
  EXPECT_EQ(error["details"][0]["debug"]["reason"], "MALFORMED_REQUEST");
  EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], "filterr");
}

TEST_F(ConnectTest, WhatIsNoRequestIsRefusedClearly) {
  StartHttp();
  const struct {
    const char* body;
    const char* text;
  } cases[] = {
      {"{", "request: "},
      {"nonsense", "request: "},
      {"[]", "request: "},
      {R"({"pageSize":"many"})", "page_size"},
      {R"({"state":"BURNING"})", "BURNING"},
      {R"({"from":"yesterday"})", "yesterday"},
  };
  for (const auto& c : cases) {
    const auto response = Call("ListJoinedRows", c.body);
    EXPECT_EQ(response.status, 400) << c.body;
    const json error = ErrorOf(response);
    EXPECT_EQ(error["code"], "invalid_argument") << c.body;
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr(c.text)) << c.body;
  }
  // A thousand times nested: refused and not followed.
  EXPECT_EQ(Call("ListJoinedRows", std::string(100'000, '[')).status, 400);
}

TEST_F(ConnectTest, PathsAndHeadersThatAreWrongAreRefused) {
  StartHttp();
  const auto unknown = Call("ListNothing", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(ErrorOf(unknown)["code"], "unimplemented");
  EXPECT_EQ(Call("SubscribeJoinedRows", "{}").status, 404);
  EXPECT_EQ(Get("/alertjoin.v1.CorrelatorService/ListJoinedRows").status, 405);

  EXPECT_EQ(Call("ListJoinedRows", "{}", "Connect-Protocol-Version: 1\r\n").status, 200);
  EXPECT_EQ(Call("ListJoinedRows", "{}", "Connect-Protocol-Version: 2\r\n").status, 400);
  for (const char* timeout : {"x", "-1", "12345678901", "1s"}) {
    EXPECT_EQ(
        Call("ListJoinedRows", "{}", "Connect-Timeout-Ms: " + std::string(timeout) + "\r\n").status,
        400)
        << timeout;
  }
  RawHttpClient client(http_->port());
  const auto text = client.Ask(
      "POST /alertjoin.v1.CorrelatorService/ListJoinedRows HTTP/1.1\r\n"
      "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(text->status, 415);
  EXPECT_THAT(ErrorOf(*text)["message"].get<std::string>(), HasSubstr("text/plain"));
  EXPECT_EQ(Call("ListJoinedRows", std::string(CorrelatorHttp::kBodyBytesMax + 1, ' ')).status,
            413);
}

TEST_F(ConnectTest, TheDeadlineIsTheCallers) {
  StartHttp();
  const auto late = Call("ListJoinedRows", "{}", "Connect-Timeout-Ms: 0\r\n");
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(ErrorOf(late)["code"], "deadline_exceeded");
  EXPECT_EQ(Call("ListJoinedRows", "{}", "Connect-Timeout-Ms: 60000\r\n").status, 200);
}

TEST_F(ConnectTest, WithoutAServerItIsUnavailable) {
  StartHttp();
  api_->Close();
  for (const auto& response :
       {Call("ListJoinedRows", "{}"), Get("/api/v1/joined.csv"), Get("/api/v1/stream")}) {
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.headers.at("retry-after"), "1");
    const json error = ErrorOf(response);
    EXPECT_EQ(error["code"], "unavailable");
    EXPECT_EQ(error["details"][0]["debug"]["reason"], "NOT_SERVING");
  }
  api_->Open(MakeInProcessChannel(*server_.server));
  EXPECT_EQ(Call("ListJoinedRows", "{}").status, 200);
}

// As the service stops: nothing begins on a server that is gone, and what is under way ends.
TEST_F(ConnectTest, CallsDuringAShutdownEndOneWayOrTheOther) {
  StartHttp();
  CommitRows(1000);
  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        const int status = Call("ListJoinedRows", R"({"pageSize":1000})").status;
        EXPECT_TRUE(status == 200 || status == 503) << status;
        if (status == 200) ++answered;
      }
    });
  }
  while (answered < 20) {
  }
  api_->Close();
  ShutDown(std::chrono::seconds(10));
  EXPECT_EQ(Call("ListJoinedRows", "{}").status, 503);
  done = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(ConnectTest, ThePageIsToldWhereGrpcIs) {
  StartHttp();
  const auto answer = Get("/assets/grpc.json");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
  EXPECT_EQ(json::parse(answer.body),
            (json{{"port", server_.port}, {"tls", false}, {"loopback", true}}));
  api_->Close();
  EXPECT_EQ(Get("/assets/grpc.json").status, 503);
}

TEST_F(ConnectTest, BrowsersAreToldToTrustNothing) {
  StartHttp();
  const auto headers = Call("ListJoinedRows", "{}").headers;
  EXPECT_EQ(headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(headers.at("cache-control"), "no-store");
  EXPECT_THAT(headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_FALSE(headers.contains("access-control-allow-origin"));
  // What asks whether another origin's page may is refused.
  RawHttpClient client(http_->port());
  const auto preflight = client.Ask(
      "OPTIONS /alertjoin.v1.CorrelatorService/ListJoinedRows HTTP/1.1\r\n"
      "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(preflight->status, 405);
  EXPECT_FALSE(preflight->headers.contains("access-control-allow-origin"));
}

// A method that is added to the service is there over HTTP without a line of code.
TEST_F(ConnectTest, EveryUnaryMethodIsThere) {
  StartHttp();
  const auto* const service =
      v1::ListJoinedRowsRequest::descriptor()->file()->FindServiceByName("CorrelatorService");
  for (int i = 0; i < service->method_count(); ++i) {
    const auto* const method = service->method(i);
    if (method->server_streaming()) continue;
    // It may want an argument, or not be built yet: but it is known.
    const int status = Call(method->name(), "{}").status;
    EXPECT_TRUE(status == 200 || status == 400 || status == 501) << method->name() << status;
  }
}

}  // namespace
}  // namespace alertjoin
