// Polls and exact queries of a simulated server whose answers come late, fail, and meet a full
// spool. Whatever happens: what is claimed complete is the truth, and so is every exact moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/log/log.h"
#include "ingest-service/prometheus/exact_queries.h"
#include "ingest-service/prometheus/poller.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"
#include "tests/unit/ingest-service/prometheus/simulated_prometheus.h"

namespace alertjoin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Timestamp kStart = Timestamp::FromMillis(1'700'000'000'000);
constexpr Millis kLength = minutes(12);
constexpr Millis kSettleDelay = seconds(5);

class Simulation {
 public:
  explicit Simulation(uint64_t seed)
      : random_(seed), server_(kStart - minutes(4), kStart + kLength, kSettleDelay, random_) {
    source_.name = "p";
    source_.url = "http://p";
    source_.settle_delay = kSettleDelay;
    source_.queries = {{"raw", "x", seconds(5), {}, {}}, {"double", "x * 2", seconds(7), {}, {}}};
    EXPECT_THAT(poller_.AddSource(source_, client_), IsOk());
    exact_.AddSource(source_, client_);
  }

  void Run() {
    const Timestamp quiet = kStart + kLength;
    while (h.clock.Now() < quiet || exact_.pending() > 0) {
      ASSERT_LT(h.clock.Now(), quiet + minutes(11));
      const bool calm = h.clock.Now() >= quiet;
      if (!calm && random_() % 40 == 0) Transition();
      // Bad times last up to half a minute.
      if (random_() % 60 == 0) bad_until_ = h.clock.Now() + Below(seconds(30));
      const bool bad = !calm && h.clock.Now() < bad_until_;
      h.sink.status =
          bad && random_() % 2 == 0 ? absl::ResourceExhaustedError("full") : absl::OkStatus();
      AnswerSome(bad);
      h.executor.RunAll();
      poller_.Step();
      exact_.Step();
      h.clock.Advance(Millis(1) + Below(Millis(900)));
    }
  }

  QueryHarness h{kStart};
  std::vector<Timestamp> transitions;
  const SimulatedPrometheus& server() const { return server_; }

 private:
  Millis Below(Millis bound) {
    return Millis(static_cast<int64_t>(random_() % static_cast<uint64_t>(bound.count())));
  }

  // At a moment around now, told once or twice.
  void Transition() {
    TransitionEvent event;
    event.state = random_() % 2 == 0 ? AlertState::kFiring : AlertState::kResolved;
    const Timestamp time = h.clock.Now() - Below(seconds(20)) + Below(seconds(3));
    event.starts_at = time;
    if (event.state == AlertState::kResolved) {
      event.ends_at = time;
      event.starts_at = time - Below(minutes(2)) - Millis(1);
    }
    event.labels = LabelSet{{"i", std::to_string(random_() % 5)}};
    for (const QueryOptions& query : source_.queries) {
      Binding binding;
      binding.query = QueryOf("p", query);
      binding.matching = Matching::kAgreement;
      event.bindings.push_back(binding);
    }
    transitions.push_back(time);
    for (uint64_t i = random_() % 2; i < 2; ++i) exact_.OnTransitions({&event, 1});
  }

  void AnswerSome(bool bad) {
    for (size_t i = h.transport.waiting.size(); i > 0; --i) {
      SentQuery sent = std::move(h.transport.waiting.front());
      h.transport.waiting.pop_front();
      if (random_() % 3 == 0) {
        h.transport.waiting.push_back(std::move(sent));
      } else if (bad && random_() % 2 == 0) {
        sent.done(absl::UnavailableError("bad times"));
      } else {
        sent.done(HttpAnswer{200, server_.Answer(sent, h.clock.Now())});
      }
    }
  }

  std::mt19937_64 random_;
  SimulatedPrometheus server_;
  MetricsSourceOptions source_;
  PrometheusClient client_{{"p", "http://p", seconds(10), {}}, h.transport};
  Poller poller_{{h.caches, h.sink, h.executor, h.clock, h.metrics}};
  ExactQueries exact_{{h.caches, h.sink, h.executor, h.clock, h.metrics}, {}};
  Timestamp bad_until_ = kStart;
};

std::optional<std::pair<Timestamp, double>> AsOf(const RecordingSink::Samples& samples,
                                                 Timestamp time) {
  const auto after = samples.upper_bound(time);
  if (after == samples.begin()) return std::nullopt;
  return *std::prev(after);
}

// The join of `time` with what was emitted of the plain selector is what it is with the truth.
void ExpectRawTruth(Simulation& simulation, const std::map<LabelSet, RecordingSink::Samples>& raw,
                    Timestamp time) {
  for (const auto& [labels, unused] : simulation.server().series()) {
    const auto truth = simulation.server().TruthAt(labels, time);
    const auto series = raw.find(labels);
    const auto found = series != raw.end() ? AsOf(series->second, time) : std::nullopt;
    if (truth.has_value()) {
      ASSERT_TRUE(found.has_value()) << ToString(labels) << time.millis();
      ASSERT_EQ(found->first.millis(), truth->time.millis()) << ToString(labels) << time.millis();
      ASSERT_EQ(found->second, truth->value);
    } else if (found.has_value() && found->first > time - minutes(5)) {
      ASSERT_TRUE(IsStaleMarker(found->second)) << ToString(labels) << " at " << time.millis();
    }
  }
}

class SimulationTest : public ::testing::Test {
 protected:
  // Its failures are made on purpose.
  void SetUp() override { SetLogLevel(LogLevel::kError); }
  void TearDown() override { SetLogLevel(LogLevel::kInfo); }
};

TEST_F(SimulationTest, WhatIsClaimedIsTheTruth) {
  const uint64_t seed = TestSeed();
  for (uint64_t round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    Simulation simulation(seed + round);
    ASSERT_NO_FATAL_FAILURE(simulation.Run());
    const auto raw = simulation.h.sink.SamplesOf("raw");
    size_t claims = 0;
    for (const Event& event : simulation.h.sink.events) {
      const auto* claim = std::get_if<QueryProgress>(&event);
      if (claim == nullptr || claim->query.name != "raw") continue;
      ++claims;
      // Every sample of the claimed interval has been emitted, and nothing that is none.
      for (const auto& [labels, samples] : simulation.server().series()) {
        for (const auto& sample : samples) {
          if (sample.time < claim->complete_from || sample.time > claim->complete_through) continue;
          if (IsStaleMarker(sample.value)) continue;
          ASSERT_EQ(raw.count(labels), 1u);
          ASSERT_EQ(raw.at(labels).count(sample.time), 1u) << sample.time.millis();
        }
      }
      ASSERT_NO_FATAL_FAILURE(ExpectRawTruth(simulation, raw, claim->complete_through));
    }
    ASSERT_GT(claims, 40u);
  }
}

TEST_F(SimulationTest, EveryTransitionFindsTheTruthAtItsTime) {
  const uint64_t seed = TestSeed();
  for (uint64_t round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    Simulation simulation(seed + round);
    ASSERT_NO_FATAL_FAILURE(simulation.Run());
    const auto raw = simulation.h.sink.SamplesOf("raw");
    const auto doubled = simulation.h.sink.SamplesOf("double");
    ASSERT_GT(simulation.transitions.size(), 10u);
    for (const Timestamp time : simulation.transitions) {
      ASSERT_NO_FATAL_FAILURE(ExpectRawTruth(simulation, raw, time));
      for (const auto& [labels, unused] : simulation.server().series()) {
        const auto truth = simulation.server().TruthAt(labels, time);
        const auto series = doubled.find(labels.Without("__name__"));
        const auto found = series != doubled.end() ? AsOf(series->second, time) : std::nullopt;
        if (truth.has_value()) {
          ASSERT_TRUE(found.has_value()) << time.millis();
          ASSERT_EQ(found->first, time);
          ASSERT_EQ(found->second, 2 * truth->value);
        } else if (found.has_value()) {
          ASSERT_TRUE(IsStaleMarker(found->second)) << ToString(labels) << " at " << time.millis();
        }
      }
    }
    EXPECT_TRUE(simulation.h.sink.GapLines().empty());
  }
}

TEST_F(SimulationTest, NothingIsEmittedTwiceForNothing) {
  Simulation simulation(TestSeed());
  ASSERT_NO_FATAL_FAILURE(simulation.Run());
  std::map<std::tuple<Query, LabelSet, Timestamp>, double> last;
  for (const Event& event : simulation.h.sink.events) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    for (size_t i = 0; i < batch->size(); ++i) {
      const SeriesKey& series = *batch->series[batch->series_index[i]];
      const auto [known, added] =
          last.emplace(std::tuple(*series.query, series.labels, batch->times[i]), batch->values[i]);
      ASSERT_TRUE(added || !SameValue(known->second, batch->values[i]));
      known->second = batch->values[i];
    }
  }
}

}  // namespace
}  // namespace alertjoin
