// What a poll that fails claims, and how the next one makes up for it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/poller_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const LabelSet kA = {{"x", "a"}};
const LabelSet kB = {{"x", "b"}};

TEST_F(PollerTest, APartialAnswerIsKeptButProvesNothing) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}}}}, {{kA, "1"}});
  h_.sink.Clear();
  const int64_t at = NextPoll();
  h_.AnswerNext(MatrixAnswer({{kB, {{at - 5'000, "7"}}}}, "a store is down"));
  h_.AnswerNext(VectorAnswer({}, at - 10'000));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"b\"}} {} 7", at - 5'000)));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
  EXPECT_EQ(Polls("partial"), 1);
}

TEST_F(PollerTest, AFailureClaimsNothingAndTheNextPollReachesBack) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {}, {});
  h_.sink.Clear();
  NextPoll();
  h_.FailNext(absl::UnavailableError("down"));
  h_.AnswerNext(VectorAnswer({}, 1));
  EXPECT_THAT(h_.sink.events, IsEmpty());
  EXPECT_EQ(Polls("failed"), 1);
  EXPECT_EQ(h_.Counter("alertjoin_query_errors_total", {{"source", "p"}, {"kind", "unavailable"}}),
            1);
  // Tried again soon, not an interval later.
  const int64_t retry = NextPoll();
  EXPECT_LE(retry, first + 15'000 + 1000);
  h_.clock.Advance(seconds(80));
  h_.FailNext(absl::DeadlineExceededError("slow"));
  h_.FailNext(absl::DeadlineExceededError("slow"));
  const int64_t later = NextPoll();
  const int64_t window_ms = later - first + 10'000;
  EXPECT_THAT(h_.Waiting()[0], HasSubstr(fmt::format("up[{}m", window_ms / 60'000)));
}

TEST_F(PollerTest, WhatLiesTooFarBackBecomesAGap) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {}, {});
  h_.sink.Clear();
  h_.clock.Advance(std::chrono::hours(3));
  const int64_t at = NextPoll();
  h_.Answer("up[1h]", Timestamp::FromMillis(at), MatrixAnswer({}));
  h_.AnswerNext(VectorAnswer({}, at - 10'000));
  EXPECT_THAT(h_.sink.GapLines(),
              ElementsAre(HasSubstr(fmt::format("raw {}..{} ", first + 1, at - 3'600'000))));
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("raw {}..{}", at - 3'600'000 + 1, at - 10'000)));
}

TEST_F(PollerTest, WhenTheSpoolIsFullTheNextPollBringsTheSame) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  h_.sink.status = absl::ResourceExhaustedError("full");
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}}}}, {{kA, "1"}});
  EXPECT_EQ(Polls("failed"), 1);
  h_.sink.status = absl::OkStatus();
  const int64_t at = NextPoll();
  AnswerSelector(at, 310, {{kA, {{first - 20'000, "1"}}}}, {{kA, "1"}});
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h_.sink.ProgressLines(), SizeIs(1));
}

TEST_F(PollerTest, WhatTheSourceHasNotComeToIsNotClaimed) {
  ConfigureSelector();
  h_.ahead_of_source = Millis(0);
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}}}}, {{kA, "1"}});
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("raw {}..{}", first - 310'000 + 1, first - 10'000)));
  // It jumps ahead.
  h_.sink.Clear();
  h_.ahead_of_source = seconds(20);
  h_.clock.Advance(seconds(20));
  const int64_t second = NextPoll();
  AnswerSelector(second, 50, {{kA, {{first + 5'000, "2"}}}}, {{kA, "2"}});
  const int64_t of_source = (second - 20'000) / 1'000 * 1'000 + 1'000;
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("raw {}..{}", second - 50'000 + 1, of_source - 10'000)));
  h_.sink.Clear();
  h_.ahead_of_source = std::chrono::hours(1);
  const int64_t third = NextPoll() - (second - of_source);  // By what is known of its clock.
  AnswerSelector(third, 50, {}, {{kA, "2"}});
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
}

TEST_F(PollerTest, AFaultyQueryIsAskedAtItsOwnPaceAndItsSourceToo) {
  Configure({{"bad", "up{", seconds(15), {}, {}}, {"good", "up", seconds(15), {}, {}}});
  int bad = 0;
  int good = 0;
  const Timestamp start = h_.clock.Now();
  while (h_.clock.Now() < start + seconds(120)) {
    const int64_t at = NextPoll();
    while (!h_.transport.waiting.empty()) {
      const std::string query = h_.transport.waiting.front().query;
      if (query == "up{") {
        ++bad;
        h_.AnswerNext(ErrorAnswer("bad_data"), 400);
      } else {
        if (query == "up") ++good;
        h_.AnswerNext(MatrixAnswer({}));
      }
    }
    ASSERT_GT(at, 0);
  }
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  EXPECT_GE(bad, 8);
  EXPECT_LE(bad, 9);
  EXPECT_GE(good, 8);
  EXPECT_EQ(
      h_.Counter("alertjoin_query_errors_total", {{"source", "p"}, {"kind", "invalid_query"}}),
      bad);
}

TEST_F(PollerTest, ARefusedQueryIsReportedOnceForEachReasonAndTakenBack) {
  ConfigureExpression();
  const auto errors = [this] {
    std::vector<std::string> found;
    for (const Event& event : h_.sink.events) {
      const auto* error = std::get_if<QueryError>(&event);
      if (error == nullptr) continue;
      EXPECT_EQ(error->query, QueryOf("p", source_.queries[0]));
      found.push_back(error->error);
    }
    return found;
  };
  const auto answer = [this](const std::string& body, int code = 200) {
    while (h_.transport.waiting.empty()) NextPoll();  // It is left alone for a while.
    h_.AnswerNext(body, code);
  };
  const auto refuse = [&](const std::string& type, int code) { answer(ErrorAnswer(type), code); };
  refuse("bad_data", 400);
  refuse("bad_data", 400);
  EXPECT_THAT(errors(), ElementsAre("p: bad_data: why"));
  refuse("execution", 422);
  EXPECT_THAT(errors(), ElementsAre("p: bad_data: why", "p: execution: why"));
  // Trouble of another kind says nothing of the query.
  answer("", 503);
  EXPECT_THAT(errors(), SizeIs(2));
  // What the sink does not take is told again.
  h_.sink.status = absl::ResourceExhaustedError("full");
  refuse("bad_data", 400);
  EXPECT_THAT(errors(), SizeIs(2));
  h_.sink.status = absl::OkStatus();
  refuse("bad_data", 400);
  EXPECT_THAT(errors(), SizeIs(3));
  for (int i = 0; i < 2; ++i) answer(MatrixAnswer({}));
  EXPECT_THAT(errors(),
              ElementsAre("p: bad_data: why", "p: execution: why", "p: bad_data: why", ""));
}

TEST_F(PollerTest, OneFailingSourceBacksOffAndNoOther) {
  MetricsSourceOptions other;
  other.name = "other";
  other.url = "http://other";
  other.queries = {{"sum", "sum(other)", seconds(5), {}, {}}};
  PrometheusClient other_client({"other", "http://other", seconds(10), {}}, h_.transport);
  ConfigureExpression();
  ASSERT_THAT(poller_.AddSource(other, other_client), IsOk());
  int failed = 0;
  int answered = 0;
  const Timestamp start = h_.clock.Now();
  while (h_.clock.Now() < start + std::chrono::minutes(10)) {
    NextPoll();
    while (!h_.transport.waiting.empty()) {
      if (h_.transport.waiting.front().query == "sum(up)") {
        ++failed;
        h_.AnswerNext("", 503);
      } else {
        ++answered;
        h_.AnswerNext(MatrixAnswer({}));
      }
    }
  }
  EXPECT_GE(answered, 120);
  EXPECT_LE(answered, 121);
  // Seconds apart at first, in the end as far apart as its polls would be: 15 s.
  EXPECT_GE(failed, 40);
  EXPECT_LE(failed, 85);
}

TEST_F(PollerTest, ASourceThatIsWellAgainIsSeenWithinOnePoll) {
  ConfigureExpression();
  const Timestamp start = h_.clock.Now();
  while (h_.clock.Now() < start + std::chrono::minutes(10)) {
    NextPoll();
    while (!h_.transport.waiting.empty()) h_.AnswerNext("", 503);
  }
  const Timestamp healed = h_.clock.Now();
  while (h_.transport.waiting.empty()) NextPoll();
  EXPECT_LE(h_.clock.Now() - healed, seconds(15));
}

TEST_F(PollerTest, ALongOutageOfAGridIsMadeUpForAsFarAsTheServerAllows) {
  Configure({{"fast", "sum(up)", seconds(15), {}, Millis(100)}});
  NextPoll();
  h_.AnswerNext(MatrixAnswer({}));
  h_.clock.Advance(std::chrono::hours(2));
  const int64_t at = NextPoll();
  const int64_t grid = at / 100 * 100;
  EXPECT_THAT(h_.Waiting(),
              ElementsAre(fmt::format("sum(up) @ {}..{} step 100ms", grid - 10'999 * 100, grid)));
  h_.AnswerNext(MatrixAnswer({}));
  EXPECT_THAT(h_.sink.GapLines(), SizeIs(1));
}

TEST_F(PollerTest, SeriesBeyondTheLimitAreReportedAndNothingIsClaimed) {
  QueryCachesOptions tight;
  tight.series_per_query_max = 1;
  QueryHarness h(h_.clock.Now(), tight);
  PrometheusClient client({"p", "http://p", seconds(10), {}}, h.transport);
  Poller poller({h.caches, h.sink, h.executor, h.clock, h.metrics});
  source_.queries = {{"raw", "up", seconds(15), {}, {}}};
  ASSERT_THAT(poller.AddSource(source_, client), IsOk());
  h.clock.Advance(poller.Step() - h.clock.Now());
  poller.Step();
  const int64_t at = h.clock.Now().millis();
  h.AnswerNext(MatrixAnswer({{kA, {{at - 1, "1"}}}, {kB, {{at - 1, "1"}}}}));
  h.AnswerNext(VectorAnswer({{kA, "1"}, {kB, "1"}}, at - 10'000));
  EXPECT_THAT(h.sink.SampleLines(), SizeIs(1));
  EXPECT_THAT(h.sink.ProgressLines(), IsEmpty());
  EXPECT_THAT(h.sink.GapLines(), ElementsAre(HasSubstr("beyond a limit")));
  EXPECT_EQ(h.Counter("alertjoin_series_refused_total", {{"source", "p"}}), 2);
}

}  // namespace
}  // namespace alertjoin
