// The past of a query from all data sources of a Grafana, of which some are ill: the greatest value
// of each day of a month.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "common/sync/mutex.h"
#include "common/time/rfc3339.h"
#include "ingest-service/backfill/backfill.h"
#include "ingest-service/grafana/find_data_sources.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/task_loop.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kDayMillis = 86'400'000;
constexpr int kDays = 30;
constexpr char kDailyMaximum[] = "max_over_time(load[1d])";

// What the data source says of a day; every seventh of one is NaN.
double ValueOf(const std::string& uid, int64_t day) {
  if (uid == "nan" && day % 7 == 0) return std::nan("");
  return static_cast<double>(day * 10) + static_cast<double>(uid.size());
}

std::string Decoded(const std::string& text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

int64_t TimeParameter(const std::string& form, const std::string& name) {
  const size_t begin = form.find(name + "=") + name.size() + 1;
  return ParseRfc3339(Decoded(form.substr(begin, form.find('&', begin) - begin)))->millis();
}

std::string DailyValues(const std::string& uid, const std::string& form) {
  std::string values;
  for (int64_t at = TimeParameter(form, "start"); at <= TimeParameter(form, "end");
       at += kDayMillis) {
    const double value = ValueOf(uid, at / kDayMillis);
    values += fmt::format("{}[{},\"{}\"]", values.empty() ? "" : ",", at / 1000,
                          std::isnan(value) ? "NaN" : fmt::format("{}", value));
  }
  return R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"x":"y"},)"
         R"("values":[)" +
         values + "]}]}}";
}

std::string AnswerOf(const HttpPeer::Request& request) {
  if (request.head.find("Authorization: Bearer token") == std::string::npos) {
    return HttpPeer::Answer(401, "{}");
  }
  if (request.target == "/api/datasources") {
    std::string list;
    for (const char* uid : {"first", "second", "nan", "forbidden", "dead", "slow"}) {
      list +=
          fmt::format(R"({}{{"uid":"{}","name":"hub {}","type":"prometheus","access":"proxy"}})",
                      list.empty() ? "" : ",", uid, uid);
    }
    return HttpPeer::Answer(200, "[" + list + "]");
  }
  const std::string prefix = "/api/datasources/proxy/uid/";
  const std::string rest =
      request.target.starts_with(prefix) ? request.target.substr(prefix.size()) : "";
  const std::string uid = rest.substr(0, rest.find('/'));
  if (uid == "forbidden") return HttpPeer::Answer(403, R"({"message":"Permission denied"})");
  if (uid == "dead") return HttpPeer::Answer(502, "Bad Gateway");
  if (uid == "slow") return HttpPeer::kNoAnswer;
  if (rest != uid + "/api/v1/query_range") return HttpPeer::Answer(404, "{}");
  return HttpPeer::Answer(200, DailyValues(uid, request.body));
}

// Lets a test wait for what the steps of a loop bring about.
class Steps {
 public:
  void Happened() EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  template <typename Condition>
  void WaitUntil(const Condition& condition) EXCLUDES_LOCK(mutex_) {
    for (uint64_t seen = 0; !condition();) {
      MutexLock lock(mutex_);
      while (count_ == seen) changed_.Wait(mutex_);
      seen = count_;
    }
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  uint64_t count_ GUARDED_BY(mutex_) = 0;
};

GrafanaOptions OptionsFor(const HttpPeer& grafana) {
  GrafanaOptions options;
  options.name = "g";
  options.url = grafana.url();
  options.terms.name = "g";
  options.terms.timeout = std::chrono::seconds(2);
  options.terms.http.authorization = HttpAuthorization{"Bearer", {Secret("token"), ""}};
  return options;
}

TEST(GrafanaPast, FindingTellsWhyItFindsNothing) {
  HttpPeer grafana([](const HttpPeer::Request&) { return HttpPeer::Answer(401, "{}"); });
  EXPECT_THAT(FindDataSources(OptionsFor(grafana)),
              StatusIs(absl::StatusCode::kUnauthenticated, "grafana g: "));
  GrafanaOptions options = OptionsFor(grafana);
  options.uids = {"abc"};
  const auto found = FindDataSources(options);
  ASSERT_THAT(found, IsOk());
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ((*found)[0].name, "g/abc");
}

TEST(GrafanaPast, AllHealthyDataSourcesAreCompleteAndTheOthersAreNamed) {
  HttpPeer grafana(AnswerOf);
  const auto sources = FindDataSources(OptionsFor(grafana));
  ASSERT_THAT(sources, IsOk());
  ASSERT_THAT(*sources, SizeIs(6));

  CollectingSink sink;
  CurlHttpTransport transport;
  TaskLoop loop("test", SystemClock());
  BackfillOptions options;
  options.attempts_max = 1;
  Backfill backfill({sink, loop, SystemClock()}, options);
  std::vector<std::unique_ptr<HttpClient>> clients;
  std::vector<std::unique_ptr<PrometheusClient>> prometheus;
  const int64_t last_day = SystemClock().Now().millis() / kDayMillis - 1;
  const TimeRange month{Timestamp::FromMillis((last_day - kDays + 1) * kDayMillis),
                        Timestamp::FromMillis(last_day * kDayMillis)};
  for (const MetricsSourceOptions& source : *sources) {
    clients.push_back(std::make_unique<HttpClient>(source.http, transport));
    prometheus.push_back(std::make_unique<PrometheusClient>(
        PrometheusClientOptions{source.name, source.url, source.timeout, {}}, *clients.back()));
    // Named by its source, so that the sink tells them apart.
    Backfill::Job job{
        {{source.name, source.name, kDailyMaximum, TimeKind::kEvaluation}, month, hours(24)},
        *prometheus.back(),
        std::chrono::minutes(5),
        {},
        [](const TimeRanges&) { return absl::OkStatus(); },
        {},
        1000};
    backfill.Add(std::move(job));
  }
  const auto began = std::chrono::steady_clock::now();
  Steps steps;
  loop.Start([&] {
    const Timestamp next = backfill.Step();
    steps.Happened();
    return next;
  });

  std::map<std::string, BackfillReport> reports;
  const auto finished = [&](const std::vector<std::string>& names) {
    for (BackfillReport& report : backfill.Reports()) reports[report.query.source] = report;
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return reports[name].finished; });
  };
  const std::vector<std::string> healthy = {"g/hub first", "g/hub nan", "g/hub second"};
  const std::vector<std::string> ill = {"g/hub dead", "g/hub forbidden", "g/hub slow"};
  steps.WaitUntil([&] { return finished(healthy); });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
  fmt::print("{} healthy data sources after {:.2f} s\n", healthy.size(), elapsed.count());
  // The slow one has not even failed once by then.
  EXPECT_EQ(reports["g/hub slow"].tries_failed, 0u);

  for (const std::string& name : healthy) {
    SCOPED_TRACE(name);
    EXPECT_THAT(reports[name].failures, IsEmpty());
    const auto series = sink.SamplesOf(name);
    ASSERT_THAT(series, SizeIs(1));
    const auto& samples = series.begin()->second;
    ASSERT_THAT(samples, SizeIs(kDays));
    for (const auto& [time, value] : samples) {
      ASSERT_EQ(time.millis() % kDayMillis, 0);
      const double wanted = ValueOf(name.substr(6), time.millis() / kDayMillis);
      EXPECT_TRUE(SameValue(value, wanted)) << value << " " << wanted;
    }
  }
  steps.WaitUntil([&] { return finished(ill); });
  const std::pair<const char*, const char*> failures[] = {
      {"g/hub forbidden", "HTTP 403"}, {"g/hub dead", "HTTP 502"}, {"g/hub slow", ""}};
  for (const auto& [name, reason] : failures) {
    SCOPED_TRACE(name);
    ASSERT_THAT(reports[name].failures, SizeIs(1));
    EXPECT_THAT(reports[name].failures[0].reason, HasSubstr(reason));
    EXPECT_EQ(reports[name].samples, 0u);
  }
  loop.Stop();
  transport.Stop();
}

}  // namespace
}  // namespace alertjoin
