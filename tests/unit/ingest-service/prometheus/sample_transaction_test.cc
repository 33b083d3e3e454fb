#include "ingest-service/prometheus/sample_transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ingest-service/prometheus/absences.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }
const LabelSet kA = {{"x", "a"}};
const LabelSet kB = {{"x", "b"}};

class SampleTransactionTest : public ::testing::Test {
 protected:
  static QueryResult Result(std::vector<ResultSeries> series) {
    QueryResult result;
    result.series = std::move(series);
    return result;
  }

  void Take(const QueryResult& result) {
    SampleTransaction transaction(cache_, At(1000));
    transaction.AddAll(result);
    ASSERT_THAT(transaction.Commit(sink_), IsOk());
  }

  SeriesCache cache_{std::make_shared<const Query>(Query{"s", "q", "x", TimeKind::kEvaluation}), 3};
  RecordingSink sink_;
};

TEST_F(SampleTransactionTest, EmitsOnlyWhatIsNew) {
  Take(Result({{kA, {At(1), At(2)}, {1, 2}}}));
  Take(Result({{kA, {At(1), At(2), At(3)}, {1, 2, 3}}, {kB, {At(2)}, {9}}}));
  EXPECT_THAT(sink_.SampleLines(),
              ElementsAre("{x=\"a\"} 1 1", "{x=\"a\"} 2 2", "{x=\"a\"} 3 3", "{x=\"b\"} 2 9"));
  Take(Result({{kA, {At(3)}, {3}}}));
  EXPECT_EQ(sink_.appends, 2u);
}

TEST_F(SampleTransactionTest, AnotherValueAtTheSameTimeIsEmittedAgain) {
  Take(Result({{kA, {At(1)}, {1}}}));
  Take(Result({{kA, {At(1)}, {5}}}));
  Take(Result({{kA, {At(1)}, {NAN}}}));
  Take(Result({{kA, {At(1)}, {-NAN}}}));
  EXPECT_THAT(sink_.SampleLines(),
              ElementsAre("{x=\"a\"} 1 1", "{x=\"a\"} 1 5", "{x=\"a\"} 1 nan"));
}

TEST_F(SampleTransactionTest, LateSamplesAreEmittedToo) {
  Take(Result({{kA, {At(1), At(3)}, {1, 3}}}));
  Take(Result({{kA, {At(1), At(2), At(3)}, {1, 2, 3}}}));
  EXPECT_THAT(sink_.SampleLines(), ElementsAre("{x=\"a\"} 1 1", "{x=\"a\"} 3 3", "{x=\"a\"} 2 2"));
}

TEST_F(SampleTransactionTest, WhatTheSinkRefusesComesAgain) {
  Take(Result({{kA, {At(1)}, {1}}}));
  sink_.status = absl::ResourceExhaustedError("full");
  {
    SampleTransaction transaction(cache_, At(1000));
    transaction.AddAll(Result({{kA, {At(1), At(2)}, {7, 2}}, {kB, {At(2)}, {9}}}));
    EXPECT_THAT(transaction.Commit(sink_), StatusIs(StatusCode::kResourceExhausted, "spool: full"));
  }
  sink_.status = absl::OkStatus();
  sink_.Clear();
  Take(Result({{kA, {At(1), At(2)}, {7, 2}}, {kB, {At(2)}, {9}}}));
  EXPECT_THAT(sink_.SampleLines(), ElementsAre("{x=\"a\"} 1 7", "{x=\"a\"} 2 2", "{x=\"b\"} 2 9"));
}

TEST_F(SampleTransactionTest, AMalformedEventIsNoFaultOfTheQuery) {
  sink_.status = absl::InvalidArgumentError("malformed");
  SampleTransaction transaction(cache_, At(1000));
  transaction.AddAll(Result({{kA, {At(1)}, {1}}}));
  EXPECT_THAT(transaction.Commit(sink_), StatusIs(StatusCode::kInternal, "malformed"));
}

TEST_F(SampleTransactionTest, RefusesAndCountsSeriesBeyondTheLimits) {
  SampleTransaction transaction(cache_, At(1000));
  transaction.AddAll(Result({{{{"x", "1"}}, {At(1)}, {1}},
                             {{{"x", std::string(5000, 'y')}}, {At(1)}, {1}},
                             {{{"x", "\xff"}}, {At(1)}, {1}},
                             {{{"x", "2"}}, {At(1)}, {1}},
                             {{{"x", "3"}}, {At(1)}, {1}},
                             {{{"x", "4"}}, {At(1)}, {1}},
                             {{{"x", "1"}}, {At(2)}, {1}}}));
  EXPECT_EQ(transaction.series_refused(), 3u);
  EXPECT_EQ(transaction.samples(), 4u);
  ASSERT_THAT(transaction.Commit(sink_), IsOk());
  EXPECT_EQ(sink_.SampleLines().size(), 4u);
}

TEST_F(SampleTransactionTest, SamplesComeBeforeTheClaimInOneAppend) {
  SampleTransaction transaction(cache_, At(1000));
  transaction.Claim(At(0), At(5));
  transaction.AddAll(Result({{kA, {At(1)}, {1}}}));
  ASSERT_THAT(transaction.Commit(sink_), IsOk());
  EXPECT_EQ(sink_.appends, 1u);
  ASSERT_EQ(sink_.events.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<SampleBatch>(sink_.events[0]));
  EXPECT_EQ(std::get<SampleBatch>(sink_.events[0]).received_time, At(1000));
  EXPECT_THAT(sink_.ProgressLines(), ElementsAre("q 0..5"));
}

class AbsencesTest : public SampleTransactionTest {
 protected:
  std::vector<std::string> Markers() {
    std::vector<std::string> markers;
    for (const std::string& line : sink_.SampleLines()) {
      if (line.find("stale") != std::string::npos) markers.push_back(line);
    }
    return markers;
  }
};

TEST_F(AbsencesTest, AnAbsentSelectorSeriesEndsOnce) {
  Take(Result({{kA, {At(100)}, {1}}, {kB, {At(100)}, {1}}}));
  for (const int64_t time : {150, 160}) {
    SampleTransaction transaction(cache_, At(1000));
    EXPECT_EQ(
        AddSelectorAbsences(Result({{kA, {At(time)}, {1}}}), At(time), Millis(300), transaction),
        time == 150 ? 1u : 0u);
    ASSERT_THAT(transaction.Commit(sink_), IsOk());
  }
  EXPECT_THAT(Markers(), ElementsAre("{x=\"b\"} 150 stale"));
}

TEST_F(AbsencesTest, ASeriesThatComesBackCanEndAgain) {
  const auto gone = [&](int64_t time) {
    SampleTransaction transaction(cache_, At(1000));
    const size_t count = AddSelectorAbsences(Result({}), At(time), Millis(300), transaction);
    EXPECT_THAT(transaction.Commit(sink_), IsOk());
    return count;
  };
  Take(Result({{kA, {At(100)}, {1}}}));
  EXPECT_EQ(gone(150), 1u);
  Take(Result({{kA, {At(200)}, {1}}}));
  EXPECT_EQ(gone(180), 0u);
  EXPECT_EQ(gone(250), 1u);
}

TEST_F(AbsencesTest, AValueThatGrewTooOldIsNoEnd) {
  Take(Result({{kA, {At(100)}, {1}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddSelectorAbsences(Result({}), At(400), Millis(300), transaction), 0u);
  EXPECT_EQ(AddSelectorAbsences(Result({}), At(399), Millis(300), transaction), 1u);
}

TEST_F(AbsencesTest, ASampleAfterTheTimeDoesNotHideTheEnd) {
  Take(Result({{kA, {At(100), At(200)}, {1, 2}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddSelectorAbsences(Result({}), At(150), Millis(300), transaction), 1u);
}

TEST_F(AbsencesTest, ASeriesThatBeganLaterIsNotEnded) {
  Take(Result({{kA, {At(200)}, {1}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddSelectorAbsences(Result({}), At(150), Millis(300), transaction), 0u);
}

TEST_F(AbsencesTest, ASeriesOfHistogramsIsPresent) {
  Take(Result({{kA, {At(100)}, {1}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddSelectorAbsences(Result({{kA, {}, {}}}), At(150), Millis(300), transaction), 0u);
}

TEST_F(AbsencesTest, AnExpressionEndsHoweverOldItsValueIs) {
  Take(Result({{kA, {At(100)}, {1}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddExpressionAbsences(Result({}), At(1'000'000), transaction), 1u);
}

TEST_F(AbsencesTest, AValueThatTurnedOutAbsentIsReplaced) {
  Take(Result({{kA, {At(100)}, {1}}}));
  SampleTransaction transaction(cache_, At(1000));
  EXPECT_EQ(AddExpressionAbsences(Result({}), At(100), transaction), 1u);
  ASSERT_THAT(transaction.Commit(sink_), IsOk());
  EXPECT_THAT(Markers(), ElementsAre("{x=\"a\"} 100 stale"));
}

class GridAbsencesTest : public AbsencesTest {
 protected:
  void TakeGrid(int64_t start, int64_t end, const QueryResult& result) {
    SampleTransaction transaction(cache_, At(1000));
    transaction.AddAll(result);
    AddGridAbsences(result, {At(start), At(end), Millis(10)}, transaction);
    ASSERT_THAT(transaction.Commit(sink_), IsOk());
  }
};

TEST_F(GridAbsencesTest, MarksTheFirstTimeWithoutAValue) {
  TakeGrid(10, 60, Result({{kA, {At(10), At(20), At(50)}, {1, 2, 5}}}));
  EXPECT_THAT(Markers(), UnorderedElementsAre("{x=\"a\"} 30 stale", "{x=\"a\"} 60 stale"));
}

TEST_F(GridAbsencesTest, MarksASeriesThatIsGoneAltogether) {
  TakeGrid(10, 10, Result({{kA, {At(10)}, {1}}, {kB, {At(10)}, {1}}}));
  TakeGrid(20, 40, Result({{kB, {At(20), At(30), At(40)}, {1, 1, 1}}}));
  TakeGrid(50, 50, Result({{kB, {At(50)}, {1}}}));
  EXPECT_THAT(Markers(), ElementsAre("{x=\"a\"} 20 stale"));
}

TEST_F(GridAbsencesTest, ReplacesAValueThatIsAbsentWhenAskedAgain) {
  TakeGrid(10, 30, Result({{kA, {At(10), At(20), At(30)}, {1, 2, 3}}}));
  TakeGrid(20, 40, Result({{kA, {At(20)}, {2}}}));
  EXPECT_THAT(Markers(), ElementsAre("{x=\"a\"} 30 stale"));
}

TEST_F(GridAbsencesTest, SeesThatAnExactValueBetweenWasTheLast) {
  TakeGrid(10, 20, Result({}));
  Take(Result({{kA, {At(25)}, {1}}}));
  TakeGrid(20, 50, Result({}));
  EXPECT_THAT(Markers(), ElementsAre("{x=\"a\"} 30 stale"));
}

TEST_F(GridAbsencesTest, ANewSeriesHasNoMarkerBeforeItBegins) {
  TakeGrid(10, 40, Result({{kA, {At(30), At(40)}, {1, 1}}}));
  EXPECT_THAT(Markers(), IsEmpty());
}

TEST(FloorToStep, RoundsDownOnBothSidesOfTheEpoch) {
  EXPECT_EQ(FloorToStep(At(0), Millis(10)), At(0));
  EXPECT_EQ(FloorToStep(At(19), Millis(10)), At(10));
  EXPECT_EQ(FloorToStep(At(20), Millis(10)), At(20));
  EXPECT_EQ(FloorToStep(At(-1), Millis(10)), At(-10));
  EXPECT_EQ(FloorToStep(At(-10), Millis(10)), At(-10));
}

}  // namespace
}  // namespace alertjoin
