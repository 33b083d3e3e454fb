#include "ingest-service/backfill/backfill_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Timestamp kNow = Timestamp::FromMillis(1'700'000'000'000);

class BackfillQueryTest : public ::testing::Test {
 protected:
  BackfillQueryTest() {
    source_.name = "prom";
    source_.queries = {{"depth", "queue_depth", seconds(15), {}, {}},
                       {"total", "sum(queue_depth)", seconds(15), {}, seconds(30)}};
  }
  absl::StatusOr<BackfillTask> TaskOf(const std::string& query,
                                      std::optional<Millis> step = std::nullopt,
                                      const std::string& name = "") {
    return BackfillTaskOf(source_, {query, name, kNow - hours(24), kNow, step}, kNow);
  }

  MetricsSourceOptions source_;
};

TEST_F(BackfillQueryTest, AConfiguredSelectorIsTheQueryThatIsPolled) {
  const auto task = TaskOf("depth");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->query, QueryOf("prom", source_.queries[0]));
  EXPECT_EQ(task->query.time_kind, TimeKind::kSample);
  EXPECT_EQ(task->step, std::nullopt);
}

TEST_F(BackfillQueryTest, AnotherSelectorIsTheQueryThatIsLearntFromARule) {
  const auto task = TaskOf("queue_depth{queue=\"mail\"}");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->query, LearntQuery("prom", "queue_depth{queue=\"mail\"}"));
  EXPECT_EQ(task->query.time_kind, TimeKind::kSample);
}

TEST_F(BackfillQueryTest, AnExpressionIsEvaluatedAtItsOwnStepOrTheGivenOne) {
  EXPECT_EQ(TaskOf("total")->step, seconds(30));
  const auto task = TaskOf("total", hours(24));
  EXPECT_EQ(task->step, hours(24));
  EXPECT_EQ(task->query, QueryOf("prom", source_.queries[1]));
  EXPECT_EQ(task->query.time_kind, TimeKind::kEvaluation);
  EXPECT_EQ(TaskOf("max(up)", hours(1))->query, LearntQuery("prom", "max(up)"));
  EXPECT_EQ(TaskOf("max(up)", hours(1), "best")->query.name, "best");
  EXPECT_THAT(TaskOf("max(up)"), StatusIs(absl::StatusCode::kInvalidArgument, "give a step"));
}

TEST_F(BackfillQueryTest, EvaluationsOfASelectorAreNotMixedWithItsRawSamples) {
  const auto task = TaskOf("depth", hours(24));
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->query.name, "depth every 1d");
  EXPECT_EQ(task->query.expression, "queue_depth");
  EXPECT_EQ(task->query.time_kind, TimeKind::kEvaluation);
  EXPECT_EQ(TaskOf("up", hours(24))->query.name, "up every 1d");
  EXPECT_EQ(TaskOf("up", hours(24), "daily")->query.name, "daily");
  EXPECT_THAT(TaskOf("up", hours(24), "up"),
              StatusIs(absl::StatusCode::kInvalidArgument, "raw samples"));
  EXPECT_THAT(TaskOf("queue_depth", hours(24), "depth"),
              StatusIs(absl::StatusCode::kInvalidArgument, "raw samples"));
}

TEST_F(BackfillQueryTest, WhatHasNotSettledIsLeftToThePolls) {
  EXPECT_EQ(TaskOf("up")->wanted, (TimeRange{kNow - hours(24), kNow - source_.settle_delay}));
  const BackfillWish too_new{"up", "", kNow - seconds(5), kNow, {}};
  EXPECT_THAT(BackfillTaskOf(source_, too_new, kNow),
              StatusIs(absl::StatusCode::kInvalidArgument, "have not settled"));
  const BackfillWish reversed{"up", "", kNow, kNow - hours(1), {}};
  EXPECT_THAT(BackfillTaskOf(source_, reversed, kNow),
              StatusIs(absl::StatusCode::kInvalidArgument, "the end must be after the begin"));
}

TEST_F(BackfillQueryTest, RefusesWhatNoEventCanCarry) {
  EXPECT_THAT(TaskOf(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TaskOf("max(up)", hours(24 * 400)),
              StatusIs(absl::StatusCode::kInvalidArgument, "step"));
}

}  // namespace
}  // namespace alertjoin
