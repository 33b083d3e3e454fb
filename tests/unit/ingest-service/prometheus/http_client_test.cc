#include "ingest-service/prometheus/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <fstream>
#include <optional>

#include "ingest-service/prometheus/prometheus_client.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class HeldTransport final : public HttpTransport {
 public:
  void Start(HttpCall call, Done done) override {
    calls.push_back(std::move(call));
    waiting.push_back(std::move(done));
  }
  std::vector<HttpCall> calls;
  std::deque<Done> waiting;
};

// One client, its transport, and the outcome of its newest call.
class HttpClientTest : public ::testing::Test {
 protected:
  void Start(const HttpClientOptions& options, std::optional<std::string> form = "query=up") {
    HttpCall call;
    call.url = "http://host:9090/prefix/api/v1/query";
    call.form = std::move(form);
    call.headers = {"X-Own: 1"};
    call.timeout = std::chrono::seconds(10);
    outcome_.reset();
    // Calls must not need their client.
    HttpClient(options, transport_, clock_)
        .Start(std::move(call), [this](absl::StatusOr<HttpAnswer> answer) {
          EXPECT_FALSE(outcome_.has_value()) << "called twice";
          outcome_ = std::move(answer);
        });
  }
  void Answer(absl::StatusOr<HttpAnswer> answer) {
    ASSERT_FALSE(transport_.waiting.empty());
    const auto done = std::move(transport_.waiting.front());
    transport_.waiting.pop_front();
    done(std::move(answer));
  }
  void Redirect(int code, const std::string& url) { Answer(HttpAnswer{code, "", url, {}}); }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  const HttpCall& call() const { return transport_.calls.back(); }
  size_t calls() const { return transport_.calls.size(); }

  TemporaryFolder folder_;
  ManualClock clock_{Timestamp::FromMillis(0)};
  HeldTransport transport_;
  std::optional<absl::StatusOr<HttpAnswer>> outcome_;
};

HttpClientOptions Bearer(const std::string& token) {
  HttpClientOptions options;
  options.authorization = HttpAuthorization{"Bearer", {Secret(token), ""}};
  return options;
}

TEST_F(HttpClientTest, AddsWhatTheOptionsSay) {
  HttpClientOptions options;
  options.basic_auth = HttpBasicAuth{"joe", "", {Secret("pass word"), ""}};
  options.headers = {{"X-Scope-OrgID", {"one", "two"}, {{Secret("three"), ""}}}};
  options.tls.server_name = "name";
  options.tls.key.text = Secret("key");
  options.proxy_url = Secret("http://proxy");
  options.no_proxy = "a,b";
  options.response_bytes_max = 77;
  Start(options);
  EXPECT_THAT(call().headers,
              ElementsAre("X-Own: 1", "Authorization: Basic am9lOnBhc3Mgd29yZA==",
                          "X-Scope-OrgID: one", "X-Scope-OrgID: two", "X-Scope-OrgID: three"));
  EXPECT_EQ(call().tls->server_name, "name");
  EXPECT_EQ(call().tls->key, Secret("key"));
  EXPECT_EQ(call().proxy_url, Secret("http://proxy"));
  EXPECT_EQ(call().no_proxy, "a,b");
  EXPECT_EQ(call().body_bytes_max, 77u);
  EXPECT_EQ(call().timeout, Millis(10'000));
  Answer(HttpAnswer{200, "{}", "", {}});
  ASSERT_THAT(*outcome_, IsOk());
  EXPECT_EQ((*outcome_)->body, "{}");
}

TEST_F(HttpClientTest, FilesAreReadForEachCall) {
  HttpClientOptions options;
  options.authorization = HttpAuthorization{"Token", {Secret(), Write("token", "  one \n")}};
  Start(options);
  EXPECT_THAT(call().headers, ElementsAre("X-Own: 1", "Authorization: Token one"));
  Write("token", "two");
  Start(options);
  EXPECT_THAT(call().headers, ElementsAre("X-Own: 1", "Authorization: Token two"));
}

TEST_F(HttpClientTest, AMissingFileFailsTheCallAndOnlyThat) {
  HttpClientOptions options;
  options.basic_auth = HttpBasicAuth{"joe", "", {Secret(), folder_ / "password"}};
  EXPECT_THAT(CheckFiles(options), StatusIs(StatusCode::kFailedPrecondition, "No such file"));
  Start(options);
  EXPECT_EQ(calls(), 0u);
  EXPECT_THAT(*outcome_, StatusIs(StatusCode::kUnauthenticated,
                                  "password_file: " + folder_.path() + "/password: No such file"));
  Write("password", "p");
  Start(options);
  EXPECT_EQ(calls(), 1u);
  EXPECT_THAT(CheckFiles(options), IsOk());
}

TEST_F(HttpClientTest, FilesThatCannotBeSentAreRefused) {
  HttpClientOptions options;
  const auto fault = [&] {
    Start(options);
    return outcome_.has_value() ? MessageOf(outcome_->status()) : std::string();
  };
  options.authorization = HttpAuthorization{"Bearer", {Secret(), Write("token", "a\r\nX: canary")}};
  EXPECT_THAT(fault(), AllOf(HasSubstr("line break"), Not(HasSubstr("canary"))));
  Write("token", " \n");
  EXPECT_THAT(fault(), HasSubstr("token: is empty"));
  Write("token", std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(fault(), HasSubstr("has over 1048576 bytes"));
  options.authorization->credentials.file = folder_.path();
  EXPECT_THAT(fault(), HasSubstr("is no regular file"));
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  options.authorization->credentials.file = folder_ / "pipe";
  EXPECT_THAT(fault(), HasSubstr("is no regular file"));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(HttpClientTest, RedirectsAreFollowedWithinTheOrigin) {
  Start(Bearer("token"));
  clock_.Advance(std::chrono::seconds(4));
  Redirect(308, "http://HOST:9090/other/api/v1/query");
  ASSERT_EQ(calls(), 2u);
  EXPECT_EQ(call().url, "http://HOST:9090/other/api/v1/query");
  EXPECT_EQ(call().form, "query=up");
  EXPECT_THAT(call().headers, ElementsAre("X-Own: 1", "Authorization: Bearer token"));
  EXPECT_EQ(call().timeout, Millis(6'000)) << "one deadline for all of them";
  clock_.Advance(std::chrono::seconds(6));
  Redirect(302, "http://host:9090/again");
  EXPECT_EQ(calls(), 2u);
  EXPECT_THAT(*outcome_, StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(HttpClientTest, NothingIsSentToAnotherServer) {
  for (const std::string elsewhere :
       {"http://evil:9090/prefix/api/v1/query", "https://host:9090/", "http://host/", "ftp://host/",
        "http://joe:canary@evil/", "http://host:9090@evil/"}) {
    Start(Bearer("token"));
    const size_t before = calls();
    Redirect(307, elsewhere);
    EXPECT_EQ(calls(), before) << elsewhere;
    ASSERT_TRUE(outcome_.has_value()) << elsewhere;
    EXPECT_THAT(*outcome_, StatusIs(StatusCode::kFailedPrecondition, "give the final URL"));
    EXPECT_THAT(MessageOf(outcome_->status()), Not(HasSubstr("canary")));
  }
}

TEST_F(HttpClientTest, RedirectsEnd) {
  Start(Bearer("token"));
  for (int i = 0; i < 11; ++i) Redirect(301, "http://host:9090/round");
  EXPECT_THAT(*outcome_, StatusIs(StatusCode::kFailedPrecondition, "more than 10 times"));
  EXPECT_THAT(transport_.waiting, IsEmpty());
}

TEST_F(HttpClientTest, RedirectsThatAreNotFollowedAreTheAnswer) {
  HttpClientOptions options = Bearer("token");
  Start(options);
  Redirect(303, "http://host:9090/seen");  // Would make the POST a GET without its query.
  EXPECT_EQ((*outcome_)->code, 303);
  options.follow_redirects = false;
  Start(options);
  Redirect(307, "http://host:9090/seen");
  EXPECT_EQ((*outcome_)->code, 307);
}

TEST_F(HttpClientTest, SecretsThatComeBackAreNotPassedOn) {
  HttpClientOptions options;
  options.basic_auth = HttpBasicAuth{"joe", "", {Secret("canary"), ""}};
  options.headers = {{"X-Key", {}, {{Secret("bird"), ""}}}};
  const std::string echo = "Authorization: Basic am9lOmNhbmFyeQ== is canary, bird";
  const std::string clean = "Authorization: Basic <secret> is <secret>, <secret>";
  Start(options);
  Answer(HttpAnswer{401, echo, "", {}});
  EXPECT_EQ((*outcome_)->body, clean);
  Start(options);
  Answer(HttpAnswer{200, "<html>" + echo, "", {}});
  EXPECT_EQ((*outcome_)->body, "<html>" + clean);
  Start(options);
  Answer(HttpAnswer{400, "{\"error\":\"" + echo + "\"}", "", {}});
  EXPECT_EQ((*outcome_)->body, "{\"error\":\"" + clean + "\"}");
  Start(options);
  Answer(absl::UnavailableError(echo));
  EXPECT_THAT(*outcome_, StatusIs(StatusCode::kUnavailable, clean));
  // What a success says is data.
  Start(options);
  Answer(HttpAnswer{200, "{\"canary\":1}", "", {}});
  EXPECT_EQ((*outcome_)->body, "{\"canary\":1}");
}

// Errors and remarks are shown, whatever the code.
TEST_F(HttpClientTest, SecretsInErrorsAndRemarksAreNotShown) {
  HttpClientOptions options;
  options.authorization = HttpAuthorization{"Bearer", {Secret("ca\"na\\ry"), ""}};
  HttpClient http(options, transport_, clock_);
  PrometheusClient client({"p", "http://host:9090", std::chrono::seconds(10), {}}, http);
  const auto answer = [&](int code, const std::string& body) {
    absl::StatusOr<QueryResult> result = absl::UnknownError("none");
    client.InstantQuery("up", Timestamp(), "lane", [&](auto outcome) { result = outcome; });
    Answer(HttpAnswer{code, body, "", {}});
    return result;
  };
  const std::string quoted = R"(ca\"na\\ry)";
  for (const int code : {200, 400}) {
    const auto error = answer(
        code, R"({"status":"error","errorType":"bad_data","error":"got )" + quoted + R"("})");
    EXPECT_THAT(error, StatusIs(StatusCode::kInvalidArgument, "got <secret>"));
  }
  const auto remarks =
      answer(200, R"({"status":"success","warnings":["w )" + quoted + R"("],"infos":["i )" +
                      quoted + R"("],"data":{"resultType":"vector","result":[]}})");
  ASSERT_THAT(remarks, IsOk());
  EXPECT_THAT(remarks->warnings, ElementsAre("w <secret>"));
  EXPECT_THAT(remarks->infos, ElementsAre("i <secret>"));
}

}  // namespace
}  // namespace alertjoin
