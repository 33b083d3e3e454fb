#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "ingest-service/prometheus/exact_queries.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {

// One source, settle delay 10 s.
class ExactQueriesTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNow = 1'700'000'000'000;

  explicit ExactQueriesTest(ExactQueriesOptions options = {})
      : exact_({h_.caches, h_.sink, h_.executor, h_.clock, h_.metrics}, options) {
    source_.name = "p";
    source_.url = "http://p";
    exact_.AddSource(source_, client_);
  }

  static TransitionEvent Transition(AlertState state, int64_t time,
                                    const std::vector<std::string>& expressions) {
    TransitionEvent event;
    event.state = state;
    event.labels = LabelSet{{"x", "a"}};
    event.starts_at = Timestamp::FromMillis(time);
    if (state == AlertState::kResolved) {
      event.ends_at = event.starts_at;
      event.starts_at = event.starts_at - std::chrono::seconds(100);
    }
    for (const std::string& expression : expressions) {
      Binding binding;
      binding.query = LearntQuery("p", expression);
      binding.matching = Matching::kAgreement;
      event.bindings.push_back(binding);
    }
    return event;
  }

  void Tell(const TransitionEvent& event) {
    exact_.OnTransitions({&event, 1});
    h_.executor.RunAll();
    exact_.Step();
  }
  void Fire(int64_t time, const std::vector<std::string>& expressions) {
    Tell(Transition(AlertState::kFiring, time, expressions));
  }
  void Resolve(int64_t time, const std::vector<std::string>& expressions) {
    Tell(Transition(AlertState::kResolved, time, expressions));
  }
  void Advance(Millis span) {
    h_.clock.Advance(span);
    exact_.Step();
  }
  void Answer(const std::string& query, int64_t time, const std::string& body) {
    h_.Answer(query, Timestamp::FromMillis(time), body);
    exact_.Step();
  }
  double Count(const std::string& outcome, const std::string& source = "p") const {
    return h_.Counter("alertjoin_exact_queries_total", {{"source", source}, {"outcome", outcome}});
  }

  QueryHarness h_{Timestamp::FromMillis(kNow)};
  MetricsSourceOptions source_;
  PrometheusClient client_{{"p", "http://p", std::chrono::seconds(10), {}}, h_.transport};
  ExactQueries exact_;
};

}  // namespace alertjoin
