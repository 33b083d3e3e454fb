#include "correlator-service/subscribe/subscription_codec.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "common/status/status.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

// A selection of rows with these ids.
SharedSelection SelectionOf(int first_id, int count) {
  std::vector<RowEntry> entries;
  for (int id = first_id; id < first_id + count; ++id) {
    RowSpec spec;
    spec.id = id;
    const Operation operation = id % 2 == 0 ? Operation::kUpsert : Operation::kDelete;
    entries.push_back({std::make_shared<const JoinedRow>(MakeRow(spec)), operation});
  }
  return std::make_shared<const RowSelection>(std::move(entries));
}

// The pieces put together are what EncodeSubscriptionMessage gives.
void ExpectSerialised(const SubscriptionMessage& message) {
  std::string bytes;
  for (const auto& piece : SerialiseSubscriptionMessage(message)) {
    EXPECT_NE(*piece, "");
    bytes += *piece;
  }
  v1::SubscribeJoinedRowsResponse expected, parsed;
  EncodeSubscriptionMessage(message, &expected);
  ASSERT_TRUE(parsed.ParseFromString(bytes));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, expected))
      << parsed.ShortDebugString() << "\n"
      << expected.ShortDebugString();
  EXPECT_EQ(bytes.size(), expected.ByteSizeLong());
}

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
  const auto decoded = DecodeSubscribeRequest(v1::SubscribeJoinedRowsRequest());
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
  rows.entries.Add(std::make_shared<const RowSelection>(
      std::vector<RowEntry>{{row, Operation::kUpsert}, {row, Operation::kDelete}}));
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

TEST(EncodeSubscriptionMessage, AnAnonymousGapSaysOnlyWhen) {
  auto set = std::make_shared<ChangeSet>();
  set->gap = Gap{"prom",
                 Query{"prom", "q", "x", TimeKind::kSample},
                 kRowsNow,
                 kRowsNow + std::chrono::seconds(1),
                 "the spool was full",
                 /*voids_progress=*/true};
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage({GapMessage{set, true}, "t"}, &response);
  EXPECT_EQ(response.gap().through().seconds(), response.gap().from().seconds() + 1);
  response.mutable_gap()->clear_from();
  response.mutable_gap()->clear_through();
  v1::Gap rest;
  rest.set_reason("events are missing");
  EXPECT_EQ(response.gap().SerializeAsString(), rest.SerializeAsString());
}

// Of every size and order of small parts, which are copied, and large ones, which are shared.
TEST(SerialiseSubscriptionMessage, PiecesOfAnySizesAreTheMessage) {
  const SharedSelection one = SelectionOf(1, 1);
  const SharedSelection few = SelectionOf(10, 3);
  const SharedSelection many = SelectionOf(100, 400);
  const std::vector<std::vector<SharedSelection>> messages{
      {one},       {many},           {one, few},       {one, many},       {many, one},
      {many, few}, {one, many, few}, {many, few, one}, {few, one, many},  {many, many, one},
      {one, one},  {few, many, one}, {many, many},     {one, many, many},
  };
  for (const std::vector<SharedSelection>& parts : messages) {
    RowsMessage rows;
    for (const SharedSelection& part : parts) rows.entries.Add(part);
    ExpectSerialised({rows, "token"});
  }
}

TEST(SerialiseSubscriptionMessage, LargePartsAreSharedByMessages) {
  RowsMessage first, second;
  const SharedSelection shared = SelectionOf(1, 400);
  first.entries.Add(shared);
  second.entries.Add(SelectionOf(1000, 1));
  second.entries.Add(shared);
  const SerialisedMessage first_pieces = SerialiseSubscriptionMessage({first, "first"});
  const SerialisedMessage second_pieces = SerialiseSubscriptionMessage({second, "second"});
  ASSERT_EQ(first_pieces.size(), 3u);
  ASSERT_EQ(second_pieces.size(), 3u);
  EXPECT_EQ(first_pieces[1].get(), second_pieces[1].get());
}

TEST(SerialiseSubscriptionMessage, PiecesOutliveTheMessage) {
  SerialisedMessage pieces;
  {
    RowsMessage rows;
    rows.entries.Add(SelectionOf(1, 400));
    pieces = SerialiseSubscriptionMessage({rows, "token"});
  }
  std::string bytes;
  for (const auto& piece : pieces) bytes += *piece;
  v1::SubscribeJoinedRowsResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(bytes));
  EXPECT_EQ(parsed.rows().rows_size(), 400);
}

TEST(SerialiseSubscriptionMessage, OtherMessagesAreOnePiece) {
  ExpectSerialised({StartedMessage{"store", Sequence(7)}, "t"});
  ExpectSerialised({SnapshotCompleteMessage{Sequence(8)}, "t"});
  const auto board = std::make_shared<const ProgressBoard>();
  ExpectSerialised({ProgressMessage{Sequence(9), kRowsNow, board, ""}, "t"});
  auto set = std::make_shared<ChangeSet>();
  set->gap.emplace();
  set->gap->source = "prom";
  ExpectSerialised({GapMessage{set}, "t"});
}

}  // namespace
}  // namespace alertjoin
