// How polls make up for what they could not have: in parts when it is too much at once, and once
// more when an answer lacked something.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/duration.h"
#include "common/time/rfc3339.h"
#include "tests/support/at_time.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/poller_fixture.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const LabelSet kA = {{"x", "a"}};

class PollerCatchUpTest : public PollerTest {
 protected:
  // One sample of `up` every 15 s, from before everything. A range of more than `span_max_` is
  // refused as `refusal_`.
  void Answer() {
    const SentQuery& sent = h_.transport.waiting.front();
    if (sent.parameters.contains("start")) {
      const int64_t from = Ms(sent.parameters.at("start"));
      const int64_t through = Ms(sent.parameters.at("end"));
      return AnswerRange(from, through);
    }
    const int64_t at = Ms(sent.parameters.at("time"));
    if (sent.query == "(up)") return h_.AnswerNext(VectorAnswer({{kA, "1"}}, at));
    const auto window = ParseDuration(sent.query.substr(3, sent.query.size() - 4));
    ASSERT_THAT(window, IsOk());
    AnswerRange(at - window->count() + 1, at);
  }
  // Polls until that time, and answers.
  void PollUntil(Timestamp end) {
    while (h_.clock.Now() < end) {
      NextPoll();
      while (!h_.transport.waiting.empty()) Answer();
    }
  }
  // Every sample from `from` on that the source has had at `through` is there.
  void ExpectAllSamples(const std::string& query, Timestamp from, Timestamp through) const {
    const auto samples = h_.sink.SamplesOf(query);
    ASSERT_TRUE(samples.contains(kA));
    for (int64_t at = (from.millis() + 14'999) / 15'000 * 15'000; at <= through.millis();
         at += 15'000) {
      EXPECT_TRUE(samples.at(kA).contains(At(at))) << at << ", begun at " << from.millis();
    }
  }

  // After 50 minutes without the source it gives two minutes at once.
  void CatchUpOn(const std::string& name, const std::string& expression, absl::Status refusal) {
    refusal_ = std::move(refusal);
    Configure({{name, expression, seconds(15), {}, {}}});
    PollUntil(h_.clock.Now() + seconds(20));
    const Timestamp lost = h_.clock.Now();
    h_.clock.Advance(minutes(50));
    span_max_ = seconds(120);
    PollUntil(h_.clock.Now() + minutes(25));
    ExpectAllSamples(name, lost, h_.clock.Now() - seconds(30));
    EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
    // What the source said of the query it has taken back.
    const std::vector<std::string> errors = h_.sink.ErrorLines();
    EXPECT_EQ(errors.empty() ? name + ": " : errors.back(), name + ": ");
    EXPECT_EQ(errors.empty(), !absl::IsAborted(refusal_));
  }

  Millis span_max_ = hours(24);
  absl::Status refusal_ = absl::ResourceExhaustedError("the answer is too large");
  std::string warning_;

 private:
  static int64_t Ms(const std::string& text) { return ParseRfc3339(text)->millis(); }
  void AnswerRange(int64_t from, int64_t through) {
    if (through - from >= span_max_.count()) return h_.FailNext(refusal_);
    Points points;
    // Some servers would give the last value for what is still to come.
    const Timestamp newest = h_.clock.Now() - h_.ahead_of_source.value_or(Millis(0));
    const int64_t end = std::min(through, newest.millis());
    for (int64_t at = (from + 14'999) / 15'000 * 15'000; at <= end; at += 15'000) {
      points.emplace_back(at, "1");
    }
    if (!warning_.empty()) points.clear();
    h_.AnswerNext(MatrixAnswer({{kA, points}}, warning_));
  }
};

TEST_F(PollerCatchUpTest, WhatIsTooMuchAtOnceIsAskedForInParts) {
  CatchUpOn("raw", "(up)", absl::ResourceExhaustedError("the answer is too large"));
}

TEST_F(PollerCatchUpTest, WhatTheSourceRefusesToEvaluateAtOnceToo) {
  CatchUpOn("raw", "(up)", absl::AbortedError("too many samples"));
}

TEST_F(PollerCatchUpTest, WhatTakesTooLongAtOnceToo) {
  CatchUpOn("raw", "(up)", absl::DeadlineExceededError("slow"));
}

TEST_F(PollerCatchUpTest, SoIsAGrid) {
  CatchUpOn("sum", "sum(up)", absl::ResourceExhaustedError("the answer is too large"));
}

TEST_F(PollerCatchUpTest, AfterPartsPollsAskForAsMuchAsEver) {
  ConfigureSelector();
  PollUntil(h_.clock.Now() + seconds(20));
  h_.clock.Advance(minutes(50));
  span_max_ = seconds(120);
  PollUntil(h_.clock.Now() + minutes(25));
  span_max_ = hours(24);
  PollUntil(h_.clock.Now() + minutes(15));
  const Timestamp last = h_.clock.Now();
  h_.clock.Advance(minutes(40));
  const int64_t at = NextPoll();
  EXPECT_GE(at - last.millis(), Millis(minutes(40)).count());
  EXPECT_THAT(h_.Waiting()[0], HasSubstr("up[40m"));
}

// Our clock is ahead, or the source's behind.
TEST_F(PollerCatchUpTest, WhatASourceByItsOwnClockHadStillToComeToIsNotLostInAnOutage) {
  Configure({{"raw", "(up)", seconds(15), {}, {}}, {"sum", "sum(up)", seconds(15), {}, {}}});
  for (const Millis ahead : {seconds(40), seconds(1'200), seconds(15), seconds(3'000)}) {
    SCOPED_TRACE(ahead.count());
    h_.ahead_of_source = ahead;
    PollUntil(h_.clock.Now() + minutes(2));
    const Timestamp lost = h_.clock.Now() - ahead - seconds(60);
    h_.clock.Advance(minutes(10));
    PollUntil(h_.clock.Now() + minutes(2));
    ExpectAllSamples("raw", lost, h_.clock.Now() - ahead - seconds(30));
    ExpectAllSamples("sum", lost, h_.clock.Now() - ahead - seconds(30));
    EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  }
}

TEST_F(PollerCatchUpTest, NorAfterTheFirstPollWhichHasYetToLearnOfItsClock) {
  ConfigureSelector();
  h_.ahead_of_source = seconds(40);
  NextPoll();
  const Timestamp lost = h_.clock.Now() - seconds(60);
  while (!h_.transport.waiting.empty()) Answer();
  h_.clock.Advance(minutes(10));
  PollUntil(h_.clock.Now() + seconds(60));
  ExpectAllSamples("raw", lost, h_.clock.Now() - seconds(70));
}

TEST_F(PollerCatchUpTest, NothingIsAskedForThatIsStillToComeByTheSourcesClock) {
  ConfigureExpression();
  h_.ahead_of_source = minutes(20);
  PollUntil(h_.clock.Now() + seconds(20));
  for (int i = 0; i < 3; ++i) {
    NextPoll();
    const int64_t end = ParseRfc3339(h_.transport.waiting[0].parameters.at("end"))->millis();
    EXPECT_LE(At(end), h_.clock.Now() - minutes(20) + seconds(1));
    EXPECT_GT(At(end), h_.clock.Now() - minutes(21));
    Answer();
  }
}

// Such as that of a proxy that was never set.
TEST_F(PollerCatchUpTest, AClockThatIsFarOffIsNotGoneBy) {
  ConfigureSelector();
  h_.ahead_of_source = hours(24 * 365 * 50);
  for (int i = 0; i < 3; ++i) {
    const int64_t at = NextPoll();
    EXPECT_THAT(h_.Waiting()[0], testing::EndsWith(fmt::format(" @ {}", at)));
    EXPECT_THAT(h_.Waiting()[0], HasSubstr(i == 0 ? "up[5m10s]" : "up[50s]"));
    h_.AnswerNext(MatrixAnswer({{kA, {{at - 5'000, "1"}}}}));
    h_.AnswerNext(VectorAnswer({{kA, "1"}}, at - 10'000));
  }
  EXPECT_THAT(h_.sink.SamplesOf("raw")[kA], testing::SizeIs(3));
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
}

// A query that is too much even as a rule is no cause to ask for nothing.
TEST_F(PollerCatchUpTest, APollIsNeverSmallerThanTheUsualOne) {
  ConfigureSelector();
  span_max_ = seconds(1);
  PollUntil(h_.clock.Now() + minutes(10));
  while (h_.transport.waiting.empty()) NextPoll();  // It is left alone for a while.
  EXPECT_THAT(h_.Waiting()[0], HasSubstr("up[50s] @ "));
}

TEST_F(PollerCatchUpTest, WhatAnswersLackedIsAskedForOnceTheyAreWhole) {
  ConfigureSelector();
  PollUntil(h_.clock.Now() + seconds(20));
  const Timestamp lost = h_.clock.Now();
  warning_ = "a store is down";
  PollUntil(h_.clock.Now() + minutes(10));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  warning_.clear();
  PollUntil(h_.clock.Now() + seconds(60));
  ExpectAllSamples("raw", lost, h_.clock.Now() - seconds(30));
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  NextPoll();
  EXPECT_THAT(h_.Waiting()[0], HasSubstr("up[50s]")) << "once is enough";
}

TEST_F(PollerCatchUpTest, WhatAnswersLackedForLongerThanIsMadeUpForIsAGap) {
  ConfigureSelector();
  PollUntil(h_.clock.Now() + seconds(20));
  warning_ = "a store is down";
  PollUntil(h_.clock.Now() + hours(2));
  EXPECT_THAT(h_.sink.GapLines(), IsEmpty());
  warning_.clear();
  PollUntil(h_.clock.Now() + seconds(60));
  EXPECT_THAT(h_.sink.GapLines(), ElementsAre(HasSubstr("could not be polled for too long")));
}

// The evaluation leaves that out each time.
TEST_F(PollerCatchUpTest, WhatAnswersLackForGoodIsNotAskedForAgain) {
  ConfigureSelector();
  PollUntil(h_.clock.Now() + seconds(20));
  warning_ = "PromQL warning: mixed floats and histograms";
  PollUntil(h_.clock.Now() + minutes(10));
  warning_.clear();
  for (int i = 0; i < 4; ++i) {
    NextPoll();
    EXPECT_THAT(h_.Waiting()[0], HasSubstr("up[50s]"));
    while (!h_.transport.waiting.empty()) Answer();
  }
}

}  // namespace
}  // namespace alertjoin
