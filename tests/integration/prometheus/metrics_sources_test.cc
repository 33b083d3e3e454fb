// Polls and exact queries against a real Prometheus, compared with what Prometheus itself answers.

#include "ingest-service/prometheus/metrics_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/status/status.h"
#include "tests/integration/prometheus/awaited_answer.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/demo_target.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/integration/prometheus/prometheus_process.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using std::chrono::seconds;

constexpr char kDepthA[] = "queue_depth{queue=\"a\"}";
constexpr char kDepthB[] = "queue_depth{queue=\"b\"}";
constexpr char kSum[] = "sum by (job) (queue_depth)";
constexpr char kAbsent[] = "absent(heartbeat{job=\"demo\"})";

class MetricsSourcesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!PrometheusProcess::IsInstalled()) return;
    target_ = new DemoTarget();
    server_ = new PrometheusProcess();
    ASSERT_THAT(server_->Start(target_->port(), "500ms"), IsOk());
  }
  static void TearDownTestSuite() {
    delete server_;
    delete target_;
  }

  void SetUp() override {
    ASSERT_TRUE(PrometheusProcess::IsInstalled()) << "install the package prometheus";
    target_->Set(kDepthA, 100);
    target_->Set(kDepthB, 200);
    source_.name = "p";
    source_.url = server_->url();
    source_.timeout = seconds(5);
    source_.settle_delay = seconds(2);
    asking_ = std::make_unique<PrometheusClient>(
        PrometheusClientOptions{"truth", server_->url(), seconds(5), {}}, asking_transport_);
    AwaitScrape();
  }

  void AwaitScrape() { ASSERT_TRUE(target_->AwaitScrape()) << "prometheus does not scrape"; }

  void StartSources(std::vector<QueryOptions> queries) {
    source_.queries = std::move(queries);
    MetricsSourcesOptions options;
    options.sources = {source_};
    StartSources(options);
  }
  void StartSources(const MetricsSourcesOptions& options) {
    ASSERT_THAT(MetricsSources::Check(options), IsOk());
    sources_ = std::make_unique<MetricsSources>(options, sink_, registry_);
    ASSERT_THAT(sources_->Start(), IsOk());
  }

  static QueryOptions EverySecond(const std::string& name, const std::string& expression) {
    QueryOptions query;
    query.name = name;
    query.expression = expression;
    query.interval = seconds(1);
    return query;
  }

  // What Prometheus itself says.
  QueryResult Ask(const std::string& expression, Timestamp time) {
    AwaitedAnswer<QueryResult> answer;
    asking_->InstantQuery(expression, time, "truth", answer.Callback());
    auto result = answer.Get();
    EXPECT_THAT(result, IsOk()) << expression;
    return result.ok() ? *std::move(result) : QueryResult();
  }

  // A transition bound to the expressions, as an alert of this source would be.
  TransitionEvent Transition(AlertState state, Timestamp time,
                             const std::vector<std::string>& expressions) {
    TransitionEvent event;
    event.state = state;
    event.labels = LabelSet{{"alertname", "A"}, {"job", "demo"}};
    event.starts_at = state == AlertState::kFiring ? time : time - seconds(3);
    if (state == AlertState::kResolved) event.ends_at = time;
    for (const std::string& expression : expressions) {
      Binding binding;
      binding.query = LearntQuery("p", expression);
      binding.matching = Matching::kAgreement;
      event.bindings.push_back(binding);
    }
    return event;
  }

  bool ClaimsWhole(const std::string& query, Timestamp time) {
    for (const QueryProgress& progress : sink_.ProgressOf(query)) {
      if (progress.complete_from <= time && time <= progress.complete_through) return true;
    }
    return false;
  }

  bool HasMarker(const std::string& query) {
    for (const auto& [labels, samples] : sink_.SamplesOf(query)) {
      for (const auto& [time, value] : samples) {
        if (IsStaleMarker(value)) return true;
      }
    }
    return false;
  }

  // What was emitted of each series is, at `time`, the newest raw sample that Prometheus has; or a
  // stale marker where Prometheus gives the series no value then.
  void ExpectRawTruthAt(const std::string& selector, Timestamp time) {
    const auto emitted = sink_.SamplesOf(selector);
    const QueryResult present = Ask(selector, time);
    const QueryResult truth = Ask(selector + "[5m]", time);
    EXPECT_FALSE(present.series.empty());
    for (const ResultSeries& series : truth.series) {
      const std::string name = ToString(series.labels);
      ASSERT_EQ(emitted.count(series.labels), 1u) << name;
      const auto found = AsOf(emitted.at(series.labels), time);
      ASSERT_TRUE(found.has_value()) << name;
      const bool alive = std::any_of(
          present.series.begin(), present.series.end(),
          [&](const ResultSeries& candidate) { return candidate.labels == series.labels; });
      EXPECT_EQ(IsStaleMarker(found->second), !alive) << name;
      if (!alive) continue;
      EXPECT_EQ(found->first.millis(), series.times.back().millis()) << name;
      EXPECT_TRUE(SameValue(found->second, series.values.back())) << name;
    }
  }

  void ExpectEvaluatedTruthAt(const std::string& expression, Timestamp time) {
    const auto emitted = sink_.SamplesOf(expression);
    const QueryResult truth = Ask(expression, time);
    EXPECT_FALSE(truth.series.empty());
    for (const ResultSeries& series : truth.series) {
      ASSERT_EQ(emitted.count(series.labels), 1u) << ToString(series.labels);
      const auto found = AsOf(emitted.at(series.labels), time);
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->first.millis(), time.millis());
      EXPECT_TRUE(SameValue(found->second, series.values.back())) << ToString(series.labels);
    }
  }

  static DemoTarget* target_;
  static PrometheusProcess* server_;
  MetricsSourceOptions source_;
  CollectingSink sink_;
  prometheus::Registry registry_;
  CurlHttpTransport asking_transport_;
  std::unique_ptr<PrometheusClient> asking_;
  std::unique_ptr<MetricsSources> sources_;
};

DemoTarget* MetricsSourcesTest::target_ = nullptr;
PrometheusProcess* MetricsSourcesTest::server_ = nullptr;

TEST_F(MetricsSourcesTest, TheApiAnswersAsTheDecoderExpects) {
  const Timestamp now = SystemClock().Now();
  AwaitedAnswer<QueryResult> bad;
  asking_->InstantQuery("queue_depth >", now, "truth", bad.Callback());
  EXPECT_THAT(bad.Get(), StatusIs(StatusCode::kInvalidArgument, "bad_data"));
  AwaitedAnswer<QueryResult> many_to_many;
  asking_->InstantQuery("queue_depth * on (job) queue_depth", now, "truth",
                        many_to_many.Callback());
  EXPECT_THAT(many_to_many.Get(), StatusIs(StatusCode::kAborted, "execution"));
  AwaitedAnswer<QueryResult> text;
  asking_->InstantQuery("\"text\"", now, "truth", text.Callback());
  EXPECT_THAT(text.Get(), StatusIs(StatusCode::kInvalidArgument, "gives text"));

  EXPECT_EQ(Ask("42", now).series.at(0).values.at(0), 42);
  EXPECT_EQ(Ask("42", now).series.at(0).times.at(0).millis(), now.millis());
  EXPECT_TRUE(Ask("nothing_of_this_name", now).series.empty());

  AwaitedAnswer<QueryResult> grid;
  asking_->RangeQuery("vector(1)", now - seconds(10'999), now, seconds(1), "truth",
                      grid.Callback());
  const auto points = grid.Get();
  ASSERT_THAT(points, IsOk());
  EXPECT_EQ(points->series.at(0).times.size(), 11'000u);

  // The dialect of the wrong place: an error of its own.
  PrometheusClient lost({"lost", server_->url() + "/nowhere", seconds(5), {}}, asking_transport_);
  AwaitedAnswer<QueryResult> nothing;
  lost.InstantQuery("up", now, "truth", nothing.Callback());
  EXPECT_THAT(nothing.Get(), StatusIs(StatusCode::kNotFound, "lost: HTTP 404"));
}

TEST_F(MetricsSourcesTest, PolledRawSamplesAreExactlyThoseOfPrometheus) {
  StartSources({EverySecond("depth", "(queue_depth)"), EverySecond("sum", kSum)});
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.ProgressOf("depth").size() >= 6; }));
  ASSERT_TRUE(sink_.WaitUntil([&] {
    const auto sums = sink_.SamplesOf("sum");
    return !sums.empty() && sums.begin()->second.size() >= 5;
  }));
  sources_->Stop();

  const QueryProgress last = sink_.ProgressOf("depth").back();
  const auto emitted = sink_.SamplesOf("depth");
  ASSERT_EQ(emitted.size(), 2u);
  // Complete as far as it claims: the truth in the claimed interval, and nothing else.
  for (const ResultSeries& truth : Ask("queue_depth[1m]", last.complete_through).series) {
    const auto& samples = emitted.at(truth.labels);
    for (size_t i = 0; i < truth.times.size(); ++i) {
      ASSERT_EQ(samples.count(truth.times[i]), 1u);
      EXPECT_TRUE(SameValue(samples.at(truth.times[i]), truth.values[i]));
    }
    const auto through = samples.upper_bound(last.complete_through);
    EXPECT_EQ(static_cast<size_t>(std::distance(samples.begin(), through)), truth.times.size());
  }
  EXPECT_EQ(sink_.repetitions(), 0u);
  EXPECT_FALSE(HasMarker("depth"));

  const auto sums = sink_.SamplesOf("sum");
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums.begin()->first, (LabelSet{{"job", "demo"}}));
  for (const auto& [time, value] : sums.begin()->second) {
    EXPECT_EQ(time.millis() % 1000, 0);
    if (time > last.complete_through) continue;
    EXPECT_TRUE(SameValue(Ask(kSum, time).series.at(0).values.at(0), value));
  }
  EXPECT_TRUE(sink_.ProgressOf("sum").empty());
}

TEST_F(MetricsSourcesTest, ASeriesThatEndsGetsOneStaleMarker) {
  StartSources({EverySecond("depth", "queue_depth"), EverySecond("double", "queue_depth * 2")});
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.ProgressOf("depth").size() >= 2; }));
  target_->Remove(kDepthB);
  ASSERT_TRUE(sink_.WaitUntil([&] { return HasMarker("depth") && HasMarker("double"); }));
  const size_t polls = sink_.ProgressOf("depth").size();
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.ProgressOf("depth").size() >= polls + 3; }));
  sources_->Stop();

  for (const std::string query : {"depth", "double"}) {
    const std::string expression = query == "depth" ? "queue_depth" : "queue_depth * 2";
    for (const auto& [labels, samples] : sink_.SamplesOf(query)) {
      size_t markers = 0;
      for (const auto& [time, value] : samples) {
        if (!IsStaleMarker(value)) continue;
        ++markers;
        for (const ResultSeries& series : Ask(expression, time).series) {
          EXPECT_NE(series.labels, labels) << query;
        }
      }
      EXPECT_EQ(markers, labels.Get("queue") == "b" ? 1u : 0u) << query << ToString(labels);
    }
  }
  // The claim of the poll that saw it says no more than that.
  const auto gone = sink_.SamplesOf("depth").at(
      LabelSet{{"__name__", "queue_depth"},
               {"instance", "127.0.0.1:" + std::to_string(target_->port())},
               {"job", "demo"},
               {"queue", "b"}});
  const Timestamp marker = gone.rbegin()->first;
  for (const QueryProgress& progress : sink_.ProgressOf("depth")) {
    EXPECT_FALSE(progress.complete_from < marker && marker <= progress.complete_through);
  }
}

TEST_F(MetricsSourcesTest, ExactQueriesGiveTheTruthAtTheEventTime) {
  target_->Remove("heartbeat");
  AwaitScrape();
  StartSources(std::vector<QueryOptions>{});
  const std::vector<std::string> expressions = {"queue_depth", kSum, kAbsent};
  // One that has settled already, one that is fresh.
  const Timestamp now = SystemClock().Now();
  for (const Timestamp time : {now - Millis(2345), now}) {
    const TransitionEvent firing = Transition(AlertState::kFiring, time, expressions);
    sources_->OnTransitions({&firing, 1});
    sources_->OnTransitions({&firing, 1});
  }
  for (const Timestamp time : {now - Millis(2345), now}) {
    for (const std::string& expression : expressions) {
      ASSERT_TRUE(sink_.WaitUntil([&] { return ClaimsWhole(expression, time); })) << expression;
    }
    ExpectRawTruthAt("queue_depth", time);
    ExpectEvaluatedTruthAt(kSum, time);
    ExpectEvaluatedTruthAt(kAbsent, time);
  }
  EXPECT_EQ(sink_.repetitions(), 0u);
  EXPECT_EQ(sink_.ProgressOf(kSum).size(), 2u);
}

TEST_F(MetricsSourcesTest, AnExpressionWithoutAValueAtTheResolveEndsThere) {
  // What fired is known only from the start of the alert, as after a restart of ours.
  target_->Remove("heartbeat");
  AwaitScrape();
  const Timestamp fired = SystemClock().Now();
  AwaitScrape();
  target_->Set("heartbeat", 1);
  AwaitScrape();
  AwaitScrape();
  const Timestamp resolved = SystemClock().Now();
  ASSERT_TRUE(Ask(kAbsent, resolved).series.empty());

  StartSources(std::vector<QueryOptions>{});
  TransitionEvent event = Transition(AlertState::kResolved, resolved, {kAbsent, "queue_depth"});
  event.starts_at = fired;
  sources_->OnTransitions({&event, 1});
  ASSERT_TRUE(sink_.WaitUntil([&] { return ClaimsWhole(kAbsent, resolved); }));
  ASSERT_TRUE(sink_.WaitUntil([&] { return ClaimsWhole("queue_depth", resolved); }));

  const auto emitted = sink_.SamplesOf(kAbsent);
  ASSERT_EQ(emitted.size(), 1u);
  EXPECT_EQ(emitted.begin()->first, (LabelSet{{"job", "demo"}}));
  const CollectingSink::Samples& samples = emitted.begin()->second;
  EXPECT_EQ(samples.at(fired), 1);
  EXPECT_TRUE(IsStaleMarker(samples.at(resolved)));
  // At the resolve the threshold's expression still has its value: the one that counts.
  ExpectRawTruthAt("queue_depth", resolved);
}

TEST_F(MetricsSourcesTest, ASeriesThatEndedBeforeTheResolveIsStaleThere) {
  target_->Remove(kDepthB);
  AwaitScrape();
  AwaitScrape();
  const Timestamp resolved = SystemClock().Now();
  StartSources(std::vector<QueryOptions>{});
  const TransitionEvent event = Transition(AlertState::kResolved, resolved, {"queue_depth"});
  sources_->OnTransitions({&event, 1});
  ASSERT_TRUE(sink_.WaitUntil([&] { return ClaimsWhole("queue_depth", resolved); }));
  const auto emitted = sink_.SamplesOf("queue_depth");
  ASSERT_EQ(emitted.size(), 2u);
  for (const auto& [labels, samples] : emitted) {
    EXPECT_EQ(IsStaleMarker(AsOf(samples, resolved)->second), labels.Get("queue") == "b");
  }
}

TEST_F(MetricsSourcesTest, ADeadSourceDelaysNoOtherAndStopDoesNotWaitForIt) {
  HttpPeer hanging([](const HttpPeer::Request&) { return HttpPeer::kNoAnswer; });
  MetricsSourceOptions dead = source_;
  dead.name = "dead";
  dead.url = hanging.url();
  dead.timeout = seconds(60);
  for (int i = 0; i < 40; ++i) dead.queries.push_back(EverySecond("q" + std::to_string(i), "up"));
  source_.queries = {EverySecond("depth", "queue_depth")};
  MetricsSourcesOptions options;
  options.sources = {dead, source_};
  StartSources(options);
  std::vector<TransitionEvent> transitions;
  for (int i = 0; i < 40; ++i) {
    TransitionEvent event =
        Transition(AlertState::kFiring, SystemClock().Now() - seconds(i), {"queue_depth"});
    Binding unreachable = *event.bindings[0];
    unreachable.query.source = "dead";
    event.bindings.insert(event.bindings.begin(), unreachable);
    transitions.push_back(event);
  }
  sources_->OnTransitions(transitions);
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.ProgressOf("depth").size() >= 4; }));
  ASSERT_TRUE(sink_.WaitUntil([&] { return sink_.ProgressOf("queue_depth").size() >= 40; }));
  const auto before = std::chrono::steady_clock::now();
  sources_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(5));
  // What was broken off is no failure of the source.
  const std::string metrics = prometheus::TextSerializer().Serialize(registry_.Collect());
  EXPECT_THAT(metrics, ::testing::HasSubstr(
                           "alertjoin_polls_skipped_total{reason=\"running\",source=\"dead\"}"));
  EXPECT_THAT(metrics, ::testing::Not(::testing::HasSubstr("alertjoin_query_errors_total{")));
}

}  // namespace
}  // namespace alertjoin
