// What is particular to subscriptions to alerts; the cursor itself has its tests with rows.

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_codec.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "tests/support/alerts.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

class AlertCursorTest : public testing::Test {
 protected:
  AlertCursor Subscribe(AlertArguments arguments = {}) {
    return AlertCursor::Create(store_, std::move(arguments), kRowsNow).value();
  }
  SubscriptionMessage Next(AlertCursor& cursor) {
    const auto step = cursor.Next(false, kRowsNow);
    EXPECT_THAT(step, IsOk());
    EXPECT_EQ(step->kind, SubscriptionStep::Kind::kMessage);
    return step->message.value_or(SubscriptionMessage{});
  }
  // Id and operation of the next message's alerts: 7 is an UPSERT of 7, -7 its DELETE.
  std::vector<int> NextAlerts(AlertCursor& cursor) {
    const SubscriptionMessage message = Next(cursor);
    const auto* const alerts = std::get_if<AlertsMessage>(&message.body);
    EXPECT_NE(alerts, nullptr) << message.body.index();
    std::vector<int> ids;
    if (alerts == nullptr) return ids;
    for (const auto& [alert, operation] : alerts->entries) {
      const int id = alert->id.bytes[3];
      ids.push_back(operation == Operation::kUpsert ? id : -id);
    }
    return ids;
  }
  template <typename Body>
  void Expect(AlertCursor& cursor) {
    EXPECT_TRUE(std::holds_alternative<Body>(Next(cursor).body));
  }
  // Started before so many hours, and ended before so many.
  void Commit(int id, int64_t from, std::optional<int64_t> to = {}) {
    AlertSpec spec;
    spec.id = id;
    spec.starts_at = kRowsNow - std::chrono::hours(from);
    if (to) spec.ends_at = kRowsNow - std::chrono::hours(*to);
    store_.Commit({.alerts = {MakeAlert(spec)}}).value();
  }
  void CommitGap(const std::string& source, bool of_a_query) {
    Gap gap;
    gap.source = source;
    if (of_a_query) gap.query = Query{"prom", "q", "q", TimeKind::kSample};
    store_.Commit({.gaps = {gap}}).value();
  }

  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
};

TEST_F(AlertCursorTest, LiveEmptyTableCompletesItsSnapshotAtOnce) {
  AlertCursor cursor = Subscribe();
  Expect<StartedMessage>(cursor);
  Expect<SnapshotCompleteMessage>(cursor);
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, SubscriptionStep::Kind::kIdle);
  Commit(1, 0);
  EXPECT_EQ(NextAlerts(cursor), std::vector{1});
}

TEST_F(AlertCursorTest, SnapshotHasWhatFiredWithinItsWindow) {
  Commit(1, 100, 25);  // Over before.
  Commit(2, 100, 23);  // Began long before, ended within.
  Commit(3, 2000);     // Began long before and lasts.
  Commit(4, 1, 0);
  AlertCursor cursor = Subscribe();
  Expect<StartedMessage>(cursor);
  EXPECT_EQ(NextAlerts(cursor), (std::vector{4, 2, 3}));
  Expect<SnapshotCompleteMessage>(cursor);
}

// More than one step looks at: the first one has come to the end all the same.
TEST_F(AlertCursorTest, SnapshotDoesNotLookAtAllThatWasOverBeforeItsWindow) {
  RowCommit commit;
  for (int id = 1; id <= 5000; ++id) {
    AlertSpec spec;
    spec.id = id;
    spec.starts_at = kRowsNow - std::chrono::hours(100 + id % 1000);
    spec.ends_at = kRowsNow - std::chrono::hours(99);
    commit.alerts.push_back(MakeAlert(spec));
  }
  store_.Commit(std::move(commit)).value();
  AlertCursor cursor = Subscribe();
  Expect<StartedMessage>(cursor);
  Expect<SnapshotCompleteMessage>(cursor);
}

TEST_F(AlertCursorTest, AlertThatLeavesTheFilterIsDeleted) {
  AlertArguments arguments;
  arguments.filter.state = AlertState::kFiring;
  Commit(1, 2);
  AlertCursor cursor = Subscribe(arguments);
  Expect<StartedMessage>(cursor);
  EXPECT_EQ(NextAlerts(cursor), std::vector{1});
  Expect<SnapshotCompleteMessage>(cursor);
  Commit(1, 2, 1);
  EXPECT_EQ(NextAlerts(cursor), std::vector{-1});
  Commit(1, 2, 0);  // Outside before and after.
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, SubscriptionStep::Kind::kIdle);
}

TEST_F(AlertCursorTest, RowChangesAreNone) {
  AlertArguments arguments;
  arguments.live_only = true;
  AlertCursor cursor = Subscribe(arguments);
  Expect<StartedMessage>(cursor);
  store_.Commit({.changes = {MakeRow({})}}).value();
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, SubscriptionStep::Kind::kIdle);
  const auto step = cursor.Next(true, kRowsNow);
  ASSERT_TRUE(step->message.has_value());
  EXPECT_EQ(std::get<ProgressMessage>(step->message->body).sequence, Sequence(1));
}

TEST_F(AlertCursorTest, GapsOfItsSourceAreToldButNotThoseOfQueries) {
  AlertArguments arguments;
  arguments.live_only = true;
  arguments.filter.source = "am";
  AlertCursor cursor = Subscribe(arguments);
  Expect<StartedMessage>(cursor);
  CommitGap("prom", true);
  CommitGap("other", false);
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, SubscriptionStep::Kind::kIdle);
  CommitGap("am", false);
  Expect<GapMessage>(cursor);
}

// Which source's came would tell him. That it is of no query he may know.
TEST_F(AlertCursorTest, GapsOfEverySourceConcernAReaderWhoIsNotToldWhatTheyAreOf) {
  AlertArguments arguments;
  arguments.live_only = true;
  arguments.filter.source = "am";
  arguments.filter.scope = *ParseMatchers("team=a");
  AlertCursor cursor = Subscribe(arguments);
  Expect<StartedMessage>(cursor);
  CommitGap("prom", true);
  EXPECT_EQ(cursor.Next(false, kRowsNow)->kind, SubscriptionStep::Kind::kIdle);
  CommitGap("other", false);
  const SubscriptionMessage message = Next(cursor);
  ASSERT_TRUE(std::holds_alternative<GapMessage>(message.body));
  EXPECT_TRUE(std::get<GapMessage>(message.body).anonymous);
}

TEST_F(AlertCursorTest, TokenIsOfItsArgumentsAndOfAlerts) {
  const std::string token = Subscribe().Token();
  AlertArguments arguments;
  arguments.resume_token = token;
  arguments.filter.source = "am";
  const auto reason = [](const absl::Status& status) { return DetailOf(status)->reason; };
  EXPECT_EQ(reason(AlertCursor::Create(store_, arguments, kRowsNow).status()),
            "RESUME_TOKEN_OTHER_ARGUMENTS");
  SubscriptionArguments of_rows;
  of_rows.resume_token = token;
  EXPECT_EQ(reason(SubscriptionCursor::Create(store_, of_rows, kRowsNow).status()),
            "RESUME_TOKEN_OTHER_ARGUMENTS");
}

// The pieces put together are the response.
TEST_F(AlertCursorTest, MessagesAreSerialisedAsTheirResponse) {
  for (int id = 1; id <= 200; ++id) Commit(id, 1);
  AlertCursor cursor = Subscribe();
  for (int i = 0; i < 3; ++i) {
    const SubscriptionMessage message = Next(cursor);
    std::string bytes;
    for (const auto& piece : SerialiseSubscriptionMessage(message)) bytes += *piece;
    v1::SubscribeAlertsResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes));
    v1::SubscribeAlertsResponse expected;
    EncodeSubscriptionMessage(message, &expected);
    EXPECT_EQ(parsed.DebugString(), expected.DebugString());
    EXPECT_EQ(parsed.resume_token(), message.resume_token);
    if (parsed.has_started()) {
      EXPECT_EQ(parsed.started().store_id(), store_.store_id());
    } else if (parsed.has_alerts()) {
      EXPECT_EQ(parsed.alerts().alerts_size(), 200);
    } else {
      EXPECT_EQ(parsed.snapshot_complete().sequence(), 200u);
    }
  }
}

TEST(DecodeSubscribeAlertsRequest, WhatIsWrongIsNamed) {
  const auto expect = [](const v1::SubscribeAlertsRequest& request, const std::string& reason,
                         const std::string& field) {
    const auto decoded = DecodeSubscribeRequest(request);
    ASSERT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument));
    const auto detail = DetailOf(decoded.status());
    EXPECT_EQ(detail->reason, reason);
    EXPECT_EQ(detail->field_violations.at(0).field, field);
  };
  v1::SubscribeAlertsRequest filter;
  filter.set_filter("severity");
  expect(filter, "INVALID_FILTER", "filter");
  v1::SubscribeAlertsRequest state;
  state.set_state(static_cast<v1::AlertState>(9));
  expect(state, "INVALID_FILTER", "state");
  v1::SubscribeAlertsRequest start;
  start.set_start(static_cast<v1::SubscriptionStart>(9));
  expect(start, "INVALID_START", "start");
  v1::SubscribeAlertsRequest window;
  window.mutable_snapshot_window()->set_seconds(-1);
  expect(window, "INVALID_SNAPSHOT_WINDOW", "snapshot_window");
  v1::SubscribeAlertsRequest interval;
  interval.mutable_progress_interval()->set_nanos(2'000'000'000);
  expect(interval, "INVALID_PROGRESS_INTERVAL", "progress_interval");
  EXPECT_THAT(DecodeSubscribeRequest(v1::SubscribeAlertsRequest()), IsOk());
}

}  // namespace
}  // namespace alertjoin
