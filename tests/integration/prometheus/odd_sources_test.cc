// Metrics sources that are down, slow, odd or curious, beside others that are well.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <string>

#include "common/status/status.h"
#include "ingest-service/prometheus/metrics_sources.h"
#include "tests/integration/prometheus/awaited_answer.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Matrix(const std::string& points) {
  return R"({"status":"success","data":{"resultType":"matrix","result":[)"
         R"({"metric":{"a":"b"},"values":[)" +
         points + "]}]}}";
}

// A sample at each time that is asked for.
std::string FineAnswer() {
  const int64_t now = SystemClock().Now().millis();
  return HttpPeer::Answer(200, Matrix(fmt::format("[{},\"1\"]", now / 1000)));
}

class OddSourcesTest : public ::testing::Test {
 protected:
  // Evaluates one expression every 100 ms.
  MetricsSourceOptions& AddSource(const std::string& name, const std::string& url) {
    MetricsSourceOptions& source = options_.sources.emplace_back();
    source.name = name;
    source.url = url;
    source.timeout = seconds(1);
    source.settle_delay = Millis(0);
    QueryOptions query;
    query.name = name;
    query.expression = "sum(up)";
    query.interval = milliseconds(100);
    source.queries = {query};
    return source;
  }
  void Start() {
    options_.producer_id = "ingest-1";
    ASSERT_THAT(MetricsSources::Check(options_), IsOk());
    sources_ = std::make_unique<MetricsSources>(options_, sink_, registry_);
    ASSERT_THAT(sources_->Start(), IsOk());
  }
  bool WaitForHealth(const std::string& source, SourceHealth health) {
    return sink_.WaitUntil([&] {
      const auto status = sink_.StatusOf(source);
      return status.has_value() && status->health == health;
    });
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  CollectingSink sink_;
  prometheus::Registry registry_;
  MetricsSourcesOptions options_;
  std::unique_ptr<MetricsSources> sources_;
};

TEST_F(OddSourcesTest, FailingSourcesDelayNoOther) {
  int dead_port = 0;
  {
    HttpPeer gone([](const HttpPeer::Request&) { return ""; });
    dead_port = gone.port();
  }
  HttpPeer slow([](const HttpPeer::Request&) { return HttpPeer::kNoAnswer; });
  HttpPeer locked([](const HttpPeer::Request&) { return HttpPeer::Answer(401, "who?"); });
  HttpPeer closed([](const HttpPeer::Request&) { return HttpPeer::Answer(403, "not you"); });
  HttpPeer page([](const HttpPeer::Request&) { return HttpPeer::Answer(200, "<html>"); });
  std::atomic<int> answered{0};
  HttpPeer fine([&](const HttpPeer::Request&) {
    ++answered;
    return FineAnswer();
  });
  AddSource("dead", "http://127.0.0.1:" + std::to_string(dead_port));
  AddSource("slow", slow.url());
  AddSource("locked", locked.url());
  AddSource("closed", closed.url());
  AddSource("page", page.url());
  AddSource("fine", fine.url());
  Start();
  EXPECT_TRUE(WaitForHealth("fine", SourceHealth::kOk));
  EXPECT_TRUE(WaitForHealth("dead", SourceHealth::kUnreachable));
  EXPECT_TRUE(WaitForHealth("slow", SourceHealth::kUnreachable));
  EXPECT_TRUE(WaitForHealth("locked", SourceHealth::kAuth));
  EXPECT_TRUE(WaitForHealth("closed", SourceHealth::kForbidden));
  EXPECT_TRUE(WaitForHealth("page", SourceHealth::kError));
  EXPECT_EQ(sink_.StatusOf("locked")->producer_id, "ingest-1");
  EXPECT_THAT(sink_.StatusOf("page")->last_error, HasSubstr("<html>"));
  // The slow one took a second of waiting; the others went on meanwhile.
  EXPECT_GE(answered, 5);
  EXPECT_FALSE(sink_.SamplesOf("fine").empty());
  const std::string metrics = Metrics();
  for (const std::string state :
       {"fine\",state=\"ok", "dead\",state=\"unreachable", "slow\",state=\"unreachable",
        "locked\",state=\"auth", "closed\",state=\"forbidden", "page\",state=\"error"}) {
    EXPECT_THAT(metrics, HasSubstr("alertjoin_metrics_source_health{source=\"" + state + "\"} 1"));
  }
}

TEST_F(OddSourcesTest, ASourceThatHealsIsWellWithItsNextPoll) {
  std::atomic<int> odd{0};
  HttpPeer peer([&](const HttpPeer::Request&) {
    switch (odd) {
      case 1:
        return HttpPeer::Answer(503, "Service Unavailable");
      case 2:
        return HttpPeer::Answer(200, "<html>Sign in</html>");
      case 3:
        return HttpPeer::Answer(401, "");
      default:
        return FineAnswer();
    }
  });
  AddSource("odd", peer.url());
  Start();
  for (int kind = 1; kind <= 3; ++kind) {
    EXPECT_TRUE(WaitForHealth("odd", SourceHealth::kOk)) << kind;
    odd = kind;
    EXPECT_TRUE(WaitForHealth("odd", kind == 3 ? SourceHealth::kAuth : SourceHealth::kError));
    odd = 0;
  }
  EXPECT_TRUE(WaitForHealth("odd", SourceHealth::kOk));
}

TEST_F(OddSourcesTest, AnAnswerOfThirtyMegabytesIsTakenAndALargerOneRefused) {
  std::string points = "[1700000000,\"1\"]";
  for (int i = 1; points.size() < 30'000'000; ++i) {
    points += fmt::format(",[{}.5,\"{}\"]", 1'700'000'000 + i, i);
  }
  HttpPeer peer(
      [body = HttpPeer::Answer(200, Matrix(points))](const HttpPeer::Request&) { return body; });
  CurlHttpTransport transport;
  const auto ask = [&](uint64_t bytes_max) {
    HttpClientOptions options;
    options.response_bytes_max = bytes_max;
    HttpClient http(options, transport);
    PrometheusClient client({"p", peer.url(), seconds(20), {}}, http);
    AwaitedAnswer<QueryResult> answer;
    client.InstantQuery("up[1y]", Timestamp::FromMillis(0), "lane", answer.Callback());
    return answer.Get();
  };
  const auto result = ask(uint64_t{64} << 20);
  ASSERT_THAT(result, IsOk());
  const ResultSeries& series = result->series.at(0);
  ASSERT_GT(series.values.size(), 1'000'000u);
  EXPECT_EQ(series.values.back(), static_cast<double>(series.values.size() - 1));
  EXPECT_EQ(series.times.back().millis() % 1000, 500);
  EXPECT_THAT(ask(29'000'000), StatusIs(absl::StatusCode::kResourceExhausted, "29000000 bytes"));
}

// A server that sends back whatever it got, in every way there is.
TEST_F(OddSourcesTest, SecretsAreNowhere) {
  std::atomic<int> requests{0};
  std::atomic<bool> leaked{false};
  HttpPeer echo([&](const HttpPeer::Request& request) {
    leaked = leaked || request.head.find("canary") != std::string::npos;
    std::string back;
    for (const char c : request.head) back += c < ' ' || c == '"' || c == '\\' ? ' ' : c;
    switch (++requests % 6) {
      case 0:
        return HttpPeer::Answer(401, "<html>" + back);
      case 1:
        return HttpPeer::Answer(200, "<html>" + back);
      case 2:
        return HttpPeer::Answer(
            400, R"({"status":"error","errorType":"bad_data","error":")" + back + "\"}");
      case 3:
        return HttpPeer::Answer(503, back);
      case 4:
        return HttpPeer::Answer(302, back, "Location: http://joe:canary@127.0.0.1:1/canary\r\n");
      default:
        return HttpPeer::Answer(
            500, R"({"status":"error","errorType":"internal","error":")" + back + "\"}");
    }
  });
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 12; ++i) {
    MetricsSourceOptions& source = AddSource(fmt::format("bearer{}", i), echo.url());
    source.http.authorization = HttpAuthorization{"Bearer", {Secret("canary-token"), ""}};
    MetricsSourceOptions& basic = AddSource(fmt::format("basic{}", i), echo.url());
    basic.http.basic_auth = HttpBasicAuth{"joe", "", {Secret("canary"), ""}};
    basic.http.headers = {{"X-Key", {}, {{Secret("canary-header"), ""}}}};
  }
  Start();
  ASSERT_TRUE(sink_.WaitUntil([&] {
    size_t told = 0;
    for (int i = 0; i < 12; ++i) told += sink_.StatusOf(fmt::format("bearer{}", i)).has_value();
    return told == 12 && requests > 60;
  }));
  sources_->Stop();
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(leaked) << "the server got none, so this shows nothing";
  std::string told;
  for (const Event& event : sink_.Events()) {
    if (const auto* status = std::get_if<SourceStatus>(&event)) {
      told += status->last_error + status->description + "\n";
    }
    if (const auto* error = std::get_if<QueryError>(&event)) told += error->error + "\n";
    if (const auto* gap = std::get_if<Gap>(&event)) told += gap->reason + "\n";
  }
  for (const std::string& shown : {logged, told, Metrics()}) {
    EXPECT_THAT(shown, Not(HasSubstr("canary")));
    EXPECT_THAT(shown, Not(HasSubstr("am9lOmNhbmFyeQ")));  // joe:canary
  }
  EXPECT_THAT(told, HasSubstr("<secret>"));
  EXPECT_THAT(logged, HasSubstr("<secret>"));
}

}  // namespace
}  // namespace alertjoin
