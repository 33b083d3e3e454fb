#include "ingest-service/backfill/backfill.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/duration.h"
#include "common/time/rfc3339.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'700'000'000'000;
const LabelSet kA = {{"x", "a"}};

// Answers range selectors with a sample at each full minute, and everything else with presence or a
// point at each step.
std::string AnswerTo(const SentQuery& sent) {
  const auto time_of = [&sent](const char* parameter) {
    return ParseRfc3339(sent.parameters.at(parameter))->millis();
  };
  Points points;
  if (sent.path == "/api/v1/query_range") {
    const int64_t step = ParseDuration(sent.parameters.at("step"))->count();
    for (int64_t ms = time_of("start"); ms <= time_of("end"); ms += step)
      points.emplace_back(ms, "1");
  } else if (sent.query.find('[') == std::string::npos) {
    return VectorAnswer({{kA, "1"}}, time_of("time"));
  } else {
    const std::string window = sent.query.substr(sent.query.find('[') + 1);
    const int64_t from =
        time_of("time") - ParseDuration(window.substr(0, window.size() - 1))->count() + 1;
    for (int64_t ms = (from + 59'999) / 60'000 * 60'000; ms <= time_of("time"); ms += 60'000) {
      points.emplace_back(ms, "2");
    }
  }
  return points.empty() ? MatrixAnswer({}) : MatrixAnswer({{kA, points}});
}

class BackfillTest : public ::testing::Test {
 protected:
  void Make(std::optional<int> attempts_max = 3, double rate = 1000) {
    backfill_ = std::make_unique<Backfill>(Backfill::Environment{h_.sink, h_.executor, h_.clock},
                                           BackfillOptions{attempts_max});
    rate_ = rate;
  }
  // The last `length` before now.
  void Add(const std::string& query, Millis length, std::optional<Millis> step = std::nullopt,
           const std::string& source = "p") {
    const TimeKind kind = step ? TimeKind::kEvaluation : TimeKind::kSample;
    PrometheusClient& client = source == "p" ? client_ : other_client_;
    const TimeRange wanted{h_.clock.Now() - length, h_.clock.Now() - Millis(1)};
    const auto remember = [this](const TimeRanges& done) {
      remembered_ = done;
      return absl::OkStatus();
    };
    backfill_->Add({{{source, query, query, kind}, wanted, step},
                    client,
                    minutes(5),
                    remembered_,
                    remember,
                    kept_from_,
                    rate_});
  }
  void AnswerAll() {
    while (!h_.transport.waiting.empty()) h_.AnswerNext(AnswerTo(h_.transport.waiting.front()));
  }
  // Answers everything until all is done, or nothing happens any more.
  void RunToEnd() {
    for (int i = 0; i < 10'000 && !backfill_->finished(); ++i) {
      backfill_->Step();
      AnswerAll();
      h_.clock.Advance(seconds(1));
    }
  }
  BackfillReport Report(size_t index = 0) { return backfill_->Reports().at(index); }
  size_t Samples(const std::string& query = "up") { return h_.sink.SamplesOf(query)[kA].size(); }

  QueryHarness h_{Timestamp::FromMillis(kNow)};
  PrometheusClient client_{{"p", "http://p", seconds(10), {}}, h_.transport};
  PrometheusClient other_client_{{"q", "http://q", seconds(10), {}}, h_.transport};
  TimeRanges remembered_;
  std::optional<Timestamp> kept_from_;
  double rate_ = 0;
  std::unique_ptr<Backfill> backfill_;
};

TEST_F(BackfillTest, ReadsRawSamplesOfAPlainSelectorInChunks) {
  Make();
  Add("up", hours(3));
  backfill_->Step();
  EXPECT_THAT(h_.Waiting(), ElementsAre(fmt::format("up[1h] @ {}", kNow - 7'200'001),
                                        fmt::format("up @ {}", kNow - 7'200'001)));
  EXPECT_EQ(h_.transport.waiting.front().call.lane, "p/backfill");
  RunToEnd();
  EXPECT_EQ(Samples(), 180u);
  EXPECT_EQ(Report().samples, 180u);
  EXPECT_EQ(Report().left, Millis(0));
  EXPECT_THAT(Report().failures, IsEmpty());
  EXPECT_THAT(remembered_.All(), ElementsAre(TimeRange{Timestamp::FromMillis(kNow - 10'800'000),
                                                       Timestamp::FromMillis(kNow - 1)}));
  EXPECT_THAT(h_.sink.ProgressLines().front(),
              HasSubstr(fmt::format("up {}..", kNow - 10'800'000 + 300'001)));
}

TEST_F(BackfillTest, EvaluatesAnExpressionOnAnAlignedGrid) {
  Make();
  Add("sum(up)", hours(72), hours(24));
  backfill_->Step();
  const int64_t day = kNow / 86'400'000 * 86'400'000;
  EXPECT_THAT(h_.Waiting(),
              ElementsAre(fmt::format("sum(up) @ {}..{} step 1d", day - 3 * 86'400'000, day)));
  RunToEnd();
  EXPECT_EQ(Samples("sum(up)"), 4u);
}

TEST_F(BackfillTest, WhatIsDoneIsNotAskedForAgain) {
  Make();
  Add("up", hours(3));
  RunToEnd();
  Make();
  Add("up", hours(3));
  EXPECT_LT(Report().total, minutes(1));  // As long as that took.
  h_.sink.Clear();
  RunToEnd();
  EXPECT_EQ(Samples(), 0u);
}

TEST_F(BackfillTest, GoesOnWhereItWasWhenItDied) {
  Make();
  Add("up", hours(6));
  backfill_->Step();
  AnswerAll();
  backfill_.reset();
  EXPECT_EQ(Samples(), 60u);
  const Timestamp first = h_.clock.Now() - hours(6);
  EXPECT_THAT(remembered_.All(), ElementsAre(TimeRange{first, first + hours(1) - Millis(1)}));
  Make();
  Add("up", hours(6));
  RunToEnd();
  EXPECT_EQ(Samples(), 360u);
  EXPECT_EQ(Report().samples, 300u);
}

TEST_F(BackfillTest, KeepsToItsRate) {
  Make(3, 4);  // Two requests of a chunk take half a second.
  Add("up", hours(3));
  EXPECT_EQ(backfill_->Step(), Timestamp::Max());
  AnswerAll();
  EXPECT_EQ(backfill_->Step(), Timestamp::FromMillis(kNow + 500));
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  h_.clock.Advance(Millis(500));
  backfill_->Step();
  EXPECT_THAT(h_.Waiting(), SizeIs(2));
}

TEST_F(BackfillTest, WaitsForRoomAndAsksForNothingMeanwhile) {
  Make();
  Add("up", hours(3));
  h_.sink.status = absl::ResourceExhaustedError("full");
  for (int i = 0; i < 100; ++i) {
    backfill_->Step();
    AnswerAll();
    h_.clock.Advance(seconds(1));
  }
  EXPECT_EQ(Report().chunks, 0u);
  EXPECT_EQ(Report().tries_failed, 0u);
  EXPECT_TRUE(remembered_.empty());
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  h_.sink.status = absl::OkStatus();
  RunToEnd();
  EXPECT_EQ(Samples(), 180u);
  EXPECT_EQ(Report().samples, 180u);
}

TEST_F(BackfillTest, AFailingChunkIsTriedAgain) {
  Make();
  Add("up", hours(1));
  backfill_->Step();
  h_.FailNext(absl::UnavailableError("down"));
  AnswerAll();
  EXPECT_GT(backfill_->Step(), h_.clock.Now());  // After a while.
  EXPECT_THAT(h_.Waiting(), IsEmpty());
  RunToEnd();
  EXPECT_EQ(Samples(), 60u);
  EXPECT_EQ(Report().tries_failed, 1u);
  EXPECT_THAT(Report().failures, IsEmpty());
}

TEST_F(BackfillTest, AChunkThatKeepsFailingIsToldAndTheRestIsDone) {
  Make(3);
  Add("up", hours(3));
  const std::string bad = fmt::format("up @ {}", kNow - 7'200'001);  // The first chunk's.
  int refused = 0;
  for (int i = 0; i < 200 && !backfill_->finished(); ++i) {
    backfill_->Step();
    while (!h_.transport.waiting.empty()) {
      const bool is_bad = h_.Waiting().front() == bad;
      if (is_bad) ++refused;
      h_.AnswerNext(is_bad ? "<html>" : AnswerTo(h_.transport.waiting.front()), is_bad ? 503 : 200);
    }
    h_.clock.Advance(seconds(1));
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(Samples(), 120u);
  ASSERT_THAT(Report().failures, SizeIs(1));
  EXPECT_EQ(Report().failures[0].range.from.millis(), kNow - 10'800'000);
  EXPECT_EQ(Report().failures[0].range.through.millis(), kNow - 7'200'001);
  EXPECT_THAT(Report().failures[0].reason, HasSubstr("503"));
  EXPECT_TRUE(Report().finished);
  // It is not remembered as done.
  EXPECT_THAT(remembered_.All(), SizeIs(1));
}

TEST_F(BackfillTest, ADeadSourceIsGivenUpAndDelaysNoOther) {
  Make(2);
  Add("up", hours(24 * 30));
  Add("down", hours(24 * 30), std::nullopt, "q");
  size_t asked = 0;
  for (int i = 0; i < 2'000 && !backfill_->finished(); ++i) {
    backfill_->Step();
    while (!h_.transport.waiting.empty()) {
      if (h_.transport.waiting.front().call.lane == "q/backfill") {
        ++asked;
        h_.FailNext(absl::UnavailableError("no route"));
      } else {
        h_.AnswerNext(AnswerTo(h_.transport.waiting.front()));
      }
    }
    h_.clock.Advance(seconds(1));
  }
  EXPECT_EQ(Samples(), 24u * 30 * 60);
  EXPECT_EQ(asked, 2u * 4);  // Two tries for the first chunk, one each for two more.
  ASSERT_THAT(Report(1).failures, SizeIs(1));
  EXPECT_EQ(Report(1).failures[0].range, Report(1).wanted);
  EXPECT_EQ(Report(1).left, Millis(0));
}

TEST_F(BackfillTest, ARefusedQueryIsNotRepeated) {
  Make(std::nullopt);
  Add("up", hours(24 * 30));
  int asked = 0;
  for (int i = 0; i < 100 && !backfill_->finished(); ++i) {
    backfill_->Step();
    while (!h_.transport.waiting.empty()) {
      ++asked;
      h_.AnswerNext(ErrorAnswer("bad_data"), 400);
    }
    h_.clock.Advance(seconds(1));
  }
  EXPECT_TRUE(backfill_->finished());
  EXPECT_EQ(asked, 3 * 2);
  EXPECT_THAT(Report().failures[0].reason, HasSubstr("bad_data: why"));
}

TEST_F(BackfillTest, WithoutABoundOnTriesASourceIsWaitedFor) {
  Make(std::nullopt);
  Add("up", hours(1));
  for (int i = 0; i < 500; ++i) {
    backfill_->Step();
    while (!h_.transport.waiting.empty()) h_.FailNext(absl::UnavailableError("down"));
    h_.clock.Advance(minutes(2));
  }
  EXPECT_FALSE(backfill_->finished());
  RunToEnd();
  EXPECT_EQ(Samples(), 60u);
}

// A token was exchanged, or the proxy before the source is being started.
TEST_F(BackfillTest, WhatCanBeMendedIsWaitedFor) {
  for (const int code : {302, 401, 403, 404, 406}) {
    SCOPED_TRACE(code);
    h_.sink.Clear();
    remembered_ = {};
    Make(std::nullopt);
    Add("up", hours(4));
    for (const Timestamp mended = h_.clock.Now() + minutes(5); h_.clock.Now() < mended;) {
      backfill_->Step();
      while (!h_.transport.waiting.empty()) h_.AnswerNext("not now", code);
      h_.clock.Advance(seconds(1));
    }
    EXPECT_FALSE(backfill_->finished());
    EXPECT_EQ(Report().left, hours(4));
    EXPECT_GE(Report().tries_failed, 5u);
    EXPECT_LE(Report().tries_failed, 20u) << "later and later";
    RunToEnd();
    EXPECT_THAT(Report().failures, IsEmpty());
    EXPECT_EQ(Samples(), 240u);
  }
}

// A proxy lets nobody ask it.
TEST_F(BackfillTest, AQueryThatIsNotMendedKeepsNoOtherWaiting) {
  Make(std::nullopt);
  Add("secret", hours(3));
  Add("up", hours(3));
  for (int i = 0; i < 600; ++i) {
    backfill_->Step();
    while (!h_.transport.waiting.empty()) {
      const SentQuery& sent = h_.transport.waiting.front();
      const bool is_let = sent.query.find("secret") == std::string::npos;
      h_.AnswerNext(is_let ? AnswerTo(sent) : "no", is_let ? 200 : 403);
    }
    h_.clock.Advance(seconds(1));
  }
  EXPECT_EQ(Samples(), 180u);
  EXPECT_FALSE(backfill_->finished());
  EXPECT_EQ(Report(0).left, hours(3));
  RunToEnd();
  EXPECT_EQ(Samples("secret"), 180u);
}

TEST_F(BackfillTest, WhatIsNotMendedIsGivenUpAfterItsTries) {
  Make(4);
  Add("up", hours(24 * 30));
  size_t asked = 0;
  for (int i = 0; i < 100 && !backfill_->finished(); ++i) {
    backfill_->Step();
    for (; !h_.transport.waiting.empty(); ++asked) h_.AnswerNext("{}", 403);
    h_.clock.Advance(seconds(1));
  }
  EXPECT_TRUE(backfill_->finished());
  EXPECT_EQ(asked, 2u * 6);  // Four tries for the first chunk, one each for two more.
  ASSERT_THAT(Report().failures, SizeIs(1));
  EXPECT_EQ(Report().failures[0].range, Report().wanted);
  EXPECT_THAT(Report().failures[0].reason, HasSubstr("HTTP 403"));
}

TEST_F(BackfillTest, AnAnswerThatIsTooLargeIsAskedForInParts) {
  Make();
  Add("up", hours(1));
  backfill_->Step();
  h_.FailNext(absl::ResourceExhaustedError("the answer is larger than 1 MiB"));
  AnswerAll();
  h_.clock.Advance(seconds(1));
  backfill_->Step();
  EXPECT_THAT(h_.Waiting().front(), HasSubstr("up[30m]"));
  h_.AnswerNext(
      R"({"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"})",
      422);
  AnswerAll();
  h_.clock.Advance(seconds(1));
  backfill_->Step();
  EXPECT_THAT(h_.Waiting().front(), HasSubstr("up[15m]"));
  RunToEnd();
  EXPECT_EQ(Samples(), 60u);
  EXPECT_THAT(Report().failures, IsEmpty());
}

TEST_F(BackfillTest, AnIncompleteAnswerIsNotTaken) {
  Make(2);
  Add("up", hours(1));
  for (int i = 0; i < 2; ++i) {
    backfill_->Step();
    h_.AnswerNext(MatrixAnswer({{kA, {{kNow - 60'000, "1"}}}}, "a store is away"));
    AnswerAll();
    h_.clock.Advance(seconds(5));
  }
  RunToEnd();
  ASSERT_THAT(Report().failures, SizeIs(1));
  EXPECT_THAT(Report().failures[0].reason, HasSubstr("not complete: a store is away"));
  EXPECT_THAT(h_.sink.ProgressLines(), IsEmpty());
}

// Every answer to this query says so: to ask again would hold up all others of the source.
TEST_F(BackfillTest, AnAnswerThatIsIncompleteForGoodIsTakenAndClaimsNothing) {
  Make(2);
  Add("up", hours(1));
  backfill_->Step();
  h_.AnswerNext(MatrixAnswer({{kA, {{kNow - 60'000, "1"}}}}, "PromQL warning: a bad bucket"));
  AnswerAll();
  RunToEnd();
  EXPECT_THAT(Report().failures, IsEmpty());
  EXPECT_EQ(Report().tries_failed, 0u);
  EXPECT_GT(Samples(), 0u);
}

TEST_F(BackfillTest, CountsWhatTheCorrelatorDoesNotKeep) {
  kept_from_ = Timestamp::FromMillis(kNow) - minutes(90);
  Make();
  Add("up", hours(3));
  RunToEnd();
  EXPECT_EQ(Report().samples, 180u);
  EXPECT_EQ(Report().samples_too_old, 90u);
}

}  // namespace
}  // namespace alertjoin
