#include "ingest-service/prometheus/poller.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/ingest-service/prometheus/poller_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const LabelSet kA = {{"x", "a"}};
const LabelSet kB = {{"x", "b"}};

TEST_F(PollerTest, PollsASelectorForRawSamplesAndPresence) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  // The first poll sees as far back as a value is kept alive.
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("up[5m10s] @ {}", first),
                                        fmt::format("(up) @ {}", first - 10'000)));
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}, {first - 5'000, "2"}}}}, {{kA, "1"}});
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} 1", first - 20'000),
                                                 fmt::format("{{x=\"a\"}} {} 2", first - 5'000)));
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("raw {}..{}", first - 310'000 + 1, first - 10'000)));
  EXPECT_EQ(h_.sink.appends, 1u);

  h_.sink.Clear();
  const int64_t second = NextPoll();
  EXPECT_EQ(second, first + 15'000);
  // From then on polls overlap: 2 * 15 s + 10 s, and the settle delay.
  AnswerSelector(second, 50, {{kA, {{first - 5'000, "2"}, {first + 10'000, "3"}}}}, {{kA, "2"}});
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {} 3", first + 10'000)));
  EXPECT_THAT(h_.sink.ProgressLines(),
              ElementsAre(fmt::format("raw {}..{}", second - 50'000 + 1, second - 10'000)));
  EXPECT_EQ(Polls("ok"), 2);
}

TEST_F(PollerTest, ASeriesThatIsGoneGetsAMarkerAndTheClaimBeginsThere) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}}}, {kB, {{first - 20'000, "1"}}}},
                 {{kA, "1"}, {kB, "1"}});
  h_.sink.Clear();
  int64_t at = NextPoll();
  const int64_t marker = at - 10'000;
  AnswerSelector(at, 50, {}, {{kA, "1"}});
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"b\"}} {} stale", marker)));
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("raw {0}..{0}", marker)));

  h_.sink.Clear();
  at = NextPoll();
  AnswerSelector(at, 50, {}, {{kA, "1"}});
  EXPECT_THAT(h_.sink.SampleLines(), IsEmpty());
  EXPECT_THAT(h_.sink.ProgressLines(), ElementsAre(fmt::format("raw {}..{}", marker, at - 10'000)));
}

TEST_F(PollerTest, ASeriesThatWasGoneBeforeTheFirstPollIsMarkedToo) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {{kA, {{first - 100'000, "1"}}}}, {});
  EXPECT_THAT(h_.sink.SampleLines(),
              ElementsAre(fmt::format("{{x=\"a\"}} {} 1", first - 100'000),
                          fmt::format("{{x=\"a\"}} {} stale", first - 10'000)));
}

TEST_F(PollerTest, APollThatStillRunsIsNotDoubled) {
  ConfigureSelector();
  NextPoll();
  h_.clock.Advance(seconds(15));
  poller_.Step();
  EXPECT_THAT(h_.transport.waiting, SizeIs(2));
  EXPECT_EQ(h_.Counter("alertjoin_polls_skipped_total", {{"source", "p"}, {"reason", "running"}}),
            1);
}

TEST_F(PollerTest, FloatsBesideNativeHistogramsAreTaken) {
  ConfigureExpression();
  const int64_t at = NextPoll() / 15'000 * 15;
  h_.AnswerNext(fmt::format(
      R"({{"status":"success","data":{{"resultType":"matrix","result":[)"
      R"({{"metric":{{"x":"a"}},"values":[[{0},"NaN"]],"histograms":[[{0},{{"count":"1"}}]]}},)"
      R"({{"metric":{{"x":"b"}},"values":[[{0},"+Inf"]]}}]}}}})",
      at));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{x=\"a\"}} {}000 nan", at),
                                                 fmt::format("{{x=\"b\"}} {}000 inf", at)));
  EXPECT_EQ(h_.Counter("alertjoin_histograms_skipped_total", {{"source", "p"}}), 1);
}

TEST_F(PollerTest, PollsAnExpressionOnAnAlignedGrid) {
  ConfigureExpression();
  const int64_t first = NextPoll();
  const int64_t grid = first / 15'000 * 15'000;
  // The first poll sees as far back as a value is kept alive.
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("sum(up) @ {}..{} step 15s",
                                                    (first - 310'000) / 15'000 * 15'000, grid)));
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{grid, "4"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{}} {} 4", grid)));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());

  // Again what had not settled, and what is new; another value wins, the same is left out.
  h_.sink.Clear();
  NextPoll();
  const int64_t from = (first - 10'000) / 15'000 * 15'000;
  EXPECT_THAT(h_.Waiting(),
              ElementsAre(fmt::format("sum(up) @ {}..{} step 15s", from, grid + 15'000)));
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{grid, "5"}, {grid + 15'000, "6"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(),
              ElementsAre(fmt::format("{{}} {} 5", grid), fmt::format("{{}} {} 6", grid + 15'000)));

  h_.sink.Clear();
  NextPoll();
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{grid, "5"}, {grid + 15'000, "6"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), ElementsAre(fmt::format("{{}} {} stale", grid + 30'000)));
}

// What a process before this one has told of is not told of for ever.
TEST_F(PollerTest, WhatAnExpressionGaveBeforeTheFirstPollIsMarkedToo) {
  ConfigureExpression();
  const int64_t grid = NextPoll() / 15'000 * 15'000;
  h_.AnswerNext(MatrixAnswer({{kA, {{grid - 60'000, "4"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(),
              ElementsAre(fmt::format("{{x=\"a\"}} {} 4", grid - 60'000),
                          fmt::format("{{x=\"a\"}} {} stale", grid - 45'000)));
}

TEST_F(PollerTest, TheSeriesObjectIsSharedBetweenPolls) {
  ConfigureSelector();
  const int64_t first = NextPoll();
  AnswerSelector(first, 310, {{kA, {{first - 20'000, "1"}}}}, {{kA, "1"}});
  const int64_t second = NextPoll();
  AnswerSelector(second, 50, {{kA, {{second - 5'000, "2"}}}}, {{kA, "1"}});
  std::vector<const SeriesKey*> keys;
  for (const Event& event : h_.sink.events) {
    if (const auto* batch = std::get_if<SampleBatch>(&event))
      keys.push_back(batch->series[0].get());
  }
  ASSERT_THAT(keys, SizeIs(2));
  EXPECT_EQ(keys[0], keys[1]);
}

TEST_F(PollerTest, LearntQueriesComeAndGoWhileTheOthersStay) {
  ConfigureSelector();
  source_.learn.interval = seconds(5);
  const auto expressions = [&](Millis span) {
    std::set<std::string> seen;
    for (const Timestamp end = h_.clock.Now() + span; h_.clock.Now() < end;) {
      h_.clock.Advance(seconds(1));
      poller_.Step();
      while (!h_.transport.waiting.empty()) {
        seen.insert(h_.transport.waiting.front().query);
        h_.AnswerNext(MatrixAnswer({}));
      }
    }
    return seen;
  };
  expressions(seconds(30));
  EXPECT_THAT(expressions(seconds(15)), SizeIs(2));  // The selector's range and presence.
  poller_.SetLearnt("p", {"sum(a)", "sum(b)"});
  EXPECT_THAT(expressions(seconds(15)), testing::IsSupersetOf({"(up)", "sum(a)", "sum(b)"}));
  poller_.SetLearnt("p", {"sum(b)", "sum(c)"});
  auto seen = expressions(seconds(15));
  EXPECT_THAT(seen, testing::IsSupersetOf({"(up)", "sum(b)", "sum(c)"}));
  EXPECT_FALSE(seen.contains("sum(a)"));
  poller_.SetLearnt("other", {});
  EXPECT_THAT(expressions(seconds(15)), SizeIs(4));
  poller_.SetLearnt("p", {});
  EXPECT_THAT(expressions(seconds(15)), SizeIs(2));
}

TEST_F(PollerTest, APollOfALearntQueryThatIsPolledNoMoreEndsWell) {
  Configure({});
  poller_.SetLearnt("p", {"sum(a)"});
  NextPoll();
  ASSERT_THAT(h_.transport.waiting, SizeIs(1));
  poller_.SetLearnt("p", {});
  const int64_t at = h_.clock.Now().millis();
  h_.AnswerNext(MatrixAnswer({{LabelSet{}, {{at, "5"}}}}));
  EXPECT_THAT(h_.sink.SampleLines(), SizeIs(1));
  EXPECT_EQ(poller_.Step(), Timestamp::Max());
}

}  // namespace
}  // namespace alertjoin
