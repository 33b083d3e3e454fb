#include "ingest-service/prometheus/source_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include "common/status/status.h"
#include "ingest-service/prometheus/source_watches.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kStart = 1'700'000'000'000;
constexpr char kHtml[] = "<html><body>Sign in to continue</body></html>";

// One source, asked by one client; what becomes of its answers.
class SourceWatchTest : public ::testing::Test {
 protected:
  void Ask(const std::string& query = "up") {
    client_.InstantQuery(query, h_.clock.Now(), "lane", [](const absl::StatusOr<QueryResult>&) {});
  }
  void Answer(const HttpAnswer& answer) {
    const SentQuery sent = std::move(h_.transport.waiting.front());
    h_.transport.waiting.pop_front();
    sent.done(answer);
    watches_.Step();
  }
  void AskAndAnswer(const std::string& body, int code = 200) {
    h_.clock.Advance(seconds(2));
    Ask();
    Answer(HttpAnswer{code, body});
  }
  void AskAndFail(const absl::Status& status) {
    h_.clock.Advance(seconds(2));
    Ask();
    h_.FailNext(status);
    watches_.Step();
  }
  std::string Fine() const { return VectorAnswer({{LabelSet{}, "1"}}, kStart); }

  double Gauge(const std::string& name, const std::string& state = "") const {
    double value = -1;
    for (const auto& family : h_.registry.Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        const bool wanted = state.empty() || metric.label.back().value == state;
        if (wanted) value = metric.gauge.value;
      }
    }
    return value;
  }
  // The state that the metrics tell: exactly one.
  std::string Health() const {
    std::string found;
    for (const std::string state : {"ok", "auth", "forbidden", "unreachable", "error"}) {
      if (Gauge("alertjoin_metrics_source_health", state) == 1) found += state;
    }
    return found;
  }
  std::vector<SourceStatus> Reports() const {
    std::vector<SourceStatus> reports;
    for (const Event& event : h_.sink.events) {
      if (const auto* status = std::get_if<SourceStatus>(&event)) reports.push_back(*status);
    }
    return reports;
  }
  std::vector<std::string> ReportedHealths() const {
    std::vector<std::string> names;
    for (const SourceStatus& report : Reports()) names.emplace_back(NameOf(report.health));
    return names;
  }

  QueryHarness h_{Timestamp::FromMillis(kStart)};
  SourceWatches watches_{"ingest-1", {h_.sink, h_.executor, h_.registry, h_.clock}};
  PrometheusClient client_{{"p", "http://p", seconds(10), {}, &watches_.Add("p")}, h_.transport};
};

TEST_F(SourceWatchTest, EveryOddAnswerIsClassifiedAndForgottenWithTheNextGoodOne) {
  struct Case {
    std::string body;
    int code;
    std::string health;
    std::string error;
  };
  for (const Case& odd :
       std::vector<Case>{{kHtml, 401, "auth", "HTTP 401"},
                         {"", 401, "auth", "check the credentials"},
                         {R"({"message":"no"})", 403, "forbidden", "HTTP 403"},
                         {kHtml, 200, "error", "not of the Prometheus API"},
                         {"", 200, "error", "not of the Prometheus API"},
                         {Fine().substr(0, 30), 200, "error", "not of the Prometheus API"},
                         {"Service Unavailable", 503, "error", "Service Unavailable"},
                         {kHtml, 502, "error", "HTTP 502"},
                         {"slow down", 429, "error", "HTTP 429"},
                         {ErrorAnswer("internal"), 500, "error", "internal: why"},
                         {ErrorAnswer("timeout"), 503, "error", "timeout: why"},
                         {"", 302, "error", "final URL"},
                         {"404 page not found", 404, "error", "check the URL"},
                         // The query is at fault, not the source.
                         {ErrorAnswer("bad_data"), 400, "ok", ""},
                         {ErrorAnswer("execution"), 422, "ok", ""},
                         {R"({"status":"success","data":{"resultType":"string","result":[1,"a"]}})",
                          200, "ok", ""},
                         {MatrixAnswer({}, "store is down"), 200, "ok", ""},
                         {MatrixAnswer({}), 200, "ok", ""}}) {
    AskAndAnswer(odd.body, odd.code);
    EXPECT_EQ(Health(), odd.health) << odd.code << odd.body;
    const std::string name(NameOf(Reports().back().health));
    EXPECT_EQ(name, odd.health) << odd.code << odd.body;
    EXPECT_THAT(Reports().back().last_error, HasSubstr(odd.error));
    AskAndAnswer(Fine());
    EXPECT_EQ(Health(), "ok") << odd.code << odd.body;
    EXPECT_EQ(Reports().back().health, SourceHealth::kOk);
  }
}

TEST_F(SourceWatchTest, NoAnswerIsUnreachableAndABrokenOffCallIsNothing) {
  AskAndFail(absl::UnavailableError("Connection refused"));
  EXPECT_EQ(Health(), "unreachable");
  EXPECT_EQ(Reports().back().last_error, "p: Connection refused");
  EXPECT_EQ(Reports().back().source, "p");
  EXPECT_EQ(Reports().back().kind, SourceKind::kMetrics);
  EXPECT_EQ(Reports().back().producer_id, "ingest-1");
  AskAndAnswer(Fine());
  AskAndFail(absl::CancelledError("stopped"));
  EXPECT_EQ(Health(), "ok");
  AskAndFail(absl::DeadlineExceededError("slow"));
  EXPECT_EQ(Health(), "unreachable");
  AskAndFail(absl::UnauthenticatedError("password_file: /x: No such file"));
  EXPECT_EQ(Health(), "auth");
  AskAndFail(absl::ResourceExhaustedError("answer is larger than 10 bytes"));
  EXPECT_EQ(Health(), "error");
}

TEST_F(SourceWatchTest, OneFailingQueryAmongOthersDoesNotMakeItUnwell) {
  AskAndAnswer(Fine());
  Ask("heavy");
  Ask("light");
  std::swap(h_.transport.waiting[0], h_.transport.waiting[1]);
  Answer(HttpAnswer{200, Fine()});
  h_.clock.Advance(seconds(10));
  h_.FailNext(absl::DeadlineExceededError("heavy is slow"));
  EXPECT_EQ(Health(), "ok");
  // But the error is known, and shown with the next report.
  h_.clock.Advance(SourceWatch::kReportInterval);
  watches_.Step();
  EXPECT_EQ(Reports().back().last_error, "p: heavy is slow");
  // Alone, it does.
  AskAndFail(absl::DeadlineExceededError("slow"));
  EXPECT_EQ(Health(), "unreachable");
}

TEST_F(SourceWatchTest, ReportsComeOnChangeAndEveryFewMinutes) {
  EXPECT_THAT(Reports(), IsEmpty());
  watches_.Step();
  EXPECT_THAT(Reports(), IsEmpty()) << "nothing is known";
  for (int i = 0; i < 10; ++i) AskAndAnswer(Fine());
  EXPECT_THAT(ReportedHealths(), ElementsAre("ok"));
  AskAndAnswer(kHtml, 401);
  EXPECT_THAT(ReportedHealths(), ElementsAre("ok", "auth"));
  const Timestamp failed = h_.clock.Now();
  AskAndAnswer(Fine());
  EXPECT_THAT(ReportedHealths(), ElementsAre("ok", "auth", "ok"));
  EXPECT_THAT(Reports().back().last_error, HasSubstr("HTTP 401")) << "kept while it is well again";
  EXPECT_EQ(Reports().back().last_error_time, failed);
  const Timestamp next = watches_.Step();
  EXPECT_EQ(next, h_.clock.Now() + SourceWatch::kReportInterval);
  h_.clock.Advance(next - h_.clock.Now() - Millis(1));
  watches_.Step();
  EXPECT_EQ(Reports().size(), 3u);
  h_.clock.Advance(Millis(1));
  watches_.Step();
  EXPECT_EQ(Reports().size(), 4u);
}

TEST_F(SourceWatchTest, ChangesAreReportedASecondApartAndNoneIsLost) {
  AskAndAnswer(Fine());
  for (int i = 0; i < 20; ++i) {
    h_.clock.Advance(Millis(100));
    Ask();
    Answer(i % 2 == 0 ? HttpAnswer{401, ""} : HttpAnswer{200, Fine()});
  }
  EXPECT_LE(Reports().size(), 4u);
  h_.sink.status = absl::ResourceExhaustedError("full");
  AskAndAnswer("", 403);
  h_.sink.status = absl::OkStatus();
  h_.clock.Advance(seconds(1));
  watches_.Step();
  EXPECT_EQ(Reports().back().health, SourceHealth::kForbidden);
}

TEST_F(SourceWatchTest, AChangeWakesTheLoop) {
  Ask();
  h_.transport.waiting.front().done(HttpAnswer{401, ""});
  h_.transport.waiting.clear();
  // The harness runs what was posted; the loop would then step.
  h_.executor.RunAll();
  watches_.Step();
  EXPECT_THAT(ReportedHealths(), ElementsAre("auth"));
}

TEST_F(SourceWatchTest, OtherPathsCountOnlyWhileNoQueryTellsMore) {
  const auto get = [this](int code) {
    h_.clock.Advance(seconds(2));
    client_.GetData("/api/v1/rules", {}, "lane", [](const auto&) {});
    Answer(HttpAnswer{code, R"({"status":"success","data":{}})"});
  };
  get(200);
  EXPECT_EQ(Health(), "ok");
  get(401);
  EXPECT_EQ(Health(), "auth");
  AskAndAnswer(Fine());
  get(403);
  EXPECT_EQ(Health(), "ok");
  h_.clock.Advance(std::chrono::minutes(2));
  get(403);
  EXPECT_EQ(Health(), "forbidden");
}

TEST_F(SourceWatchTest, RemarksAreCountedAndShown) {
  const std::string body = R"({"status":"success","data":{"resultType":"vector","result":[]},)"
                           R"("warnings":["store a is down","b"],"infos":["not a counter"]})";
  for (int i = 0; i < 3; ++i) AskAndAnswer(body);
  const auto count = [this](const std::string& kind) {
    return h_.Counter("alertjoin_query_remarks_total", {{"source", "p"}, {"kind", kind}});
  };
  EXPECT_EQ(count("warning"), 6);
  EXPECT_EQ(count("info"), 3);
  h_.clock.Advance(SourceWatch::kReportInterval);
  watches_.Step();
  EXPECT_EQ(Reports().back().description, "info: up: not a counter");
}

TEST_F(SourceWatchTest, ClocksThatDifferAreTold) {
  const auto skew = [this](int64_t ahead_ms) {
    Ask();
    HttpAnswer answer{200, Fine()};
    // As a server writes it: cut to whole seconds.
    const int64_t date = (h_.clock.Now().millis() + ahead_ms) / 1000 * 1000;
    answer.date = Timestamp::FromMillis(date);
    h_.clock.Advance(Millis(100));
    Answer(answer);
    return Gauge("alertjoin_metrics_source_clock_skew_seconds");
  };
  for (int i = 0; i < 20; ++i) {
    h_.clock.Advance(Millis(137));
    EXPECT_EQ(skew(i % 2 * 50), 0) << i;
  }
  EXPECT_NEAR(skew(30'000), 30, 1.1);
  EXPECT_NEAR(skew(-30'000), -30, 1.1);
  EXPECT_EQ(skew(0), 0);
  EXPECT_EQ(Health(), "ok");
}

TEST(SourceText, IsCutToWhatAnEventTakes) {
  EXPECT_EQ(SourceText("short"), "short");
  EXPECT_EQ(SourceText(std::string(2000, 'x')).size(), 1024u);
  const std::string cut = SourceText(std::string(1023, 'x') + "\xc3\xa9");
  EXPECT_EQ(cut, std::string(1023, 'x'));
  EXPECT_LE(SourceText(std::string(2000, '\xff')).size(), 1024u);
}

}  // namespace
}  // namespace alertjoin
