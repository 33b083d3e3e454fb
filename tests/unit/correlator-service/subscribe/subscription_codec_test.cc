#include "correlator-service/subscribe/subscription_codec.h"

#include <gtest/gtest.h>

#include "common/status/status.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

// Expects INVALID_ARGUMENT with the reason, naming the field.
void ExpectRefused(const v1::SubscribeJoinedRowsRequest& request, const std::string& reason,
                   const std::string& field) {
  const auto decoded = DecodeSubscribeRequest(request);
  ASSERT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument));
  const auto detail = DetailOf(decoded.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, reason);
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, field);
}

TEST(DecodeSubscribeRequest, EmptyOneMeansTheLastDayOfEverything) {
  const auto decoded = DecodeSubscribeRequest({});
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->arguments.filter.ToString(), RowFilter().ToString());
  EXPECT_FALSE(decoded->arguments.live_only);
  EXPECT_EQ(decoded->arguments.snapshot_window, std::chrono::hours(24));
  EXPECT_EQ(decoded->arguments.resume_token, "");
  EXPECT_EQ(decoded->progress_interval, std::chrono::seconds(5));
}

TEST(DecodeSubscribeRequest, EveryFieldIsTaken) {
  v1::SubscribeJoinedRowsRequest request;
  request.set_filter("a=b");
  request.set_state(v1::ALERT_STATE_RESOLVED);
  request.set_query_name("q");
  request.set_final_only(true);
  request.set_start(v1::SUBSCRIPTION_START_LIVE);
  request.mutable_snapshot_window()->set_seconds(60);
  request.set_resume_token("token");
  request.mutable_progress_interval()->set_nanos(250'000'000);
  const auto decoded = DecodeSubscribeRequest(request);
  ASSERT_THAT(decoded, IsOk());
  const SubscriptionArguments& arguments = decoded->arguments;
  EXPECT_EQ(arguments.filter.matchers.ToString(), "{a=\"b\"}");
  EXPECT_EQ(arguments.filter.state, AlertState::kResolved);
  EXPECT_EQ(arguments.filter.query_name, "q");
  EXPECT_TRUE(arguments.filter.final_only);
  EXPECT_TRUE(arguments.live_only);
  EXPECT_EQ(arguments.snapshot_window, std::chrono::minutes(1));
  EXPECT_EQ(arguments.resume_token, "token");
  EXPECT_EQ(decoded->progress_interval, Millis(250));
}

TEST(DecodeSubscribeRequest, ProgressIntervalIsBroughtIntoItsLimits) {
  v1::SubscribeJoinedRowsRequest request;
  request.mutable_progress_interval()->set_seconds(-3);
  EXPECT_EQ(DecodeSubscribeRequest(request)->progress_interval, Millis(100));
  request.mutable_progress_interval()->set_seconds(0);
  EXPECT_EQ(DecodeSubscribeRequest(request)->progress_interval, Millis(100));
  request.mutable_progress_interval()->set_seconds(61);
  EXPECT_EQ(DecodeSubscribeRequest(request)->progress_interval, std::chrono::seconds(60));
}

TEST(DecodeSubscribeRequest, WhatIsWrongIsNamed) {
  v1::SubscribeJoinedRowsRequest filter;
  filter.set_filter("a=~\"(\"");
  ExpectRefused(filter, "INVALID_FILTER", "filter");
  v1::SubscribeJoinedRowsRequest state;
  state.set_state(static_cast<v1::AlertState>(77));
  ExpectRefused(state, "INVALID_FILTER", "state");
  v1::SubscribeJoinedRowsRequest start;
  start.set_start(static_cast<v1::SubscriptionStart>(77));
  ExpectRefused(start, "INVALID_START", "start");
  v1::SubscribeJoinedRowsRequest window;
  window.mutable_snapshot_window()->set_seconds(-1);
  ExpectRefused(window, "INVALID_SNAPSHOT_WINDOW", "snapshot_window");
  window.mutable_snapshot_window()->set_seconds(3651 * 86400);
  ExpectRefused(window, "INVALID_SNAPSHOT_WINDOW", "snapshot_window");
  v1::SubscribeJoinedRowsRequest interval;
  interval.mutable_progress_interval()->set_nanos(-2'000'000'000);
  ExpectRefused(interval, "INVALID_PROGRESS_INTERVAL", "progress_interval");
}

TEST(EncodeSubscriptionMessage, RowsCarryTheOperationOfTheSubscriber) {
  const auto row = std::make_shared<const JoinedRow>(MakeRow({}));
  RowsMessage rows;
  rows.entries = {{row, Operation::kUpsert}, {row, Operation::kDelete}};
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage({rows, "token"}, &response);
  ASSERT_EQ(response.rows().rows_size(), 2);
  EXPECT_EQ(response.rows().rows(0).operation(), v1::OPERATION_UPSERT);
  EXPECT_EQ(response.rows().rows(1).operation(), v1::OPERATION_DELETE);
  EXPECT_EQ(response.resume_token(), "token");
}

TEST(EncodeSubscriptionMessage, StartedAndSnapshotCompleteSayWhere) {
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage({StartedMessage{"store", Sequence(7)}, "t"}, &response);
  EXPECT_EQ(response.started().store_id(), "store");
  EXPECT_EQ(response.started().sequence(), 7u);
  EXPECT_FALSE(response.started().version().empty());
  response.Clear();
  EncodeSubscriptionMessage({SnapshotCompleteMessage{Sequence(8)}, "t"}, &response);
  EXPECT_EQ(response.snapshot_complete().sequence(), 8u);
}

TEST(EncodeSubscriptionMessage, ProgressHasTheQueriesOfTheNameUpToTheLimit) {
  auto board = std::make_shared<ProgressBoard>();
  for (int i = 0; i < 1500; ++i) {
    QueryProgress progress;
    progress.query = Query{"prom", i == 3 ? "q" : "p", std::to_string(i), TimeKind::kSample};
    board->push_back(progress);
  }
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage({ProgressMessage{Sequence(9), kRowsNow, board, ""}, "t"}, &response);
  EXPECT_EQ(response.progress().sequence(), 9u);
  EXPECT_EQ(response.progress().send_time().seconds(), kRowsNow.millis() / 1000);
  EXPECT_EQ(response.progress().queries_size(), 1000);
  response.Clear();
  EncodeSubscriptionMessage({ProgressMessage{Sequence(9), kRowsNow, board, "q"}, "t"}, &response);
  ASSERT_EQ(response.progress().queries_size(), 1);
  EXPECT_EQ(response.progress().queries(0).query().expression(), "3");
}

TEST(EncodeSubscriptionMessage, GapIsTheGap) {
  auto set = std::make_shared<ChangeSet>();
  set->gap.emplace();
  set->gap->source = "prom";
  set->gap->reason = "the spool was full";
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage({GapMessage{set}, "t"}, &response);
  EXPECT_EQ(response.gap().source(), "prom");
  EXPECT_EQ(response.gap().reason(), "the spool was full");
}

}  // namespace
}  // namespace alertjoin
