#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "ingest-service/prometheus/poller.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {

// One source with one query each of both kinds, settle delay 10 s, every 15 s.
class PollerTest : public ::testing::Test {
 protected:
  PollerTest() {
    source_.name = "p";
    source_.url = "http://p";
  }

  void Configure(std::vector<QueryOptions> queries) {
    source_.queries = std::move(queries);
    ASSERT_THAT(poller_.AddSource(source_, client_), IsOk());
  }
  void ConfigureSelector() { Configure({{"raw", "(up)", std::chrono::seconds(15), {}, {}}}); }
  void ConfigureExpression() { Configure({{"sum", "sum(up)", std::chrono::seconds(15), {}, {}}}); }

  // Moves to the next due time and begins the polls of then. Gives that time.
  int64_t NextPoll() {
    const Timestamp due = poller_.Step();
    if (h_.transport.waiting.empty()) {
      h_.clock.Advance(due - h_.clock.Now());
      poller_.Step();
    }
    return h_.clock.Now().millis();
  }

  // Answers both queries of a selector's poll at `at`.
  void AnswerSelector(int64_t at, int64_t window_s, const std::map<LabelSet, Points>& samples,
                      const std::map<LabelSet, std::string>& present) {
    const int64_t settled = at - 10'000;
    h_.Answer(fmt::format("up[{}]", Span(window_s)), Timestamp::FromMillis(at),
              MatrixAnswer(samples));
    h_.Answer("(up)", Timestamp::FromMillis(settled), VectorAnswer(present, settled));
  }
  static std::string Span(int64_t s) {
    return s >= 60 ? fmt::format("{}m{}s", s / 60, s % 60) : fmt::format("{}s", s);
  }

  double Polls(const std::string& outcome) const {
    return h_.Counter("alertjoin_poll_total", {{"source", "p"}, {"outcome", outcome}});
  }

  QueryHarness h_{Timestamp::FromMillis(1'700'000'000'000)};
  MetricsSourceOptions source_;
  PrometheusClient client_{{"p", "http://p", std::chrono::seconds(10), {}}, h_.transport};
  Poller poller_{{h_.caches, h_.sink, h_.executor, h_.clock, h_.metrics}};
};

}  // namespace alertjoin
