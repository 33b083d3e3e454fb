#include <gmock/gmock.h>

#include "common/status/status.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/alerts.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using SubscribeAlertsTest = ReadTest;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

Alert AlertNow(int id) {
  AlertSpec spec;
  spec.id = id;
  spec.starts_at = SystemClock().Now();
  return MakeAlert(spec);
}

TEST_F(SubscribeAlertsTest, SnapshotThenChangesWithARowAmongThem) {
  Start({});
  store_->Commit({.alerts = {AlertNow(1)}}).value();
  AlertsClient client(stub(), {});
  ASSERT_EQ(client.Read()->started().store_id(), store_->store_id());
  const auto snapshot = client.Read();
  ASSERT_EQ(snapshot->alerts().alerts_size(), 1);
  EXPECT_EQ(snapshot->alerts().alerts(0).alert_id(), ToHex(IdOf(1)));
  EXPECT_TRUE(client.Read()->has_snapshot_complete());
  store_->Commit({.changes = {MakeRow({})}}).value();
  store_->Commit({.alerts = {AlertNow(2)}}).value();
  const auto change = client.Read();
  ASSERT_EQ(change->alerts().alerts_size(), 1);
  EXPECT_EQ(change->alerts().alerts(0).sequence(), 3u);
  EXPECT_EQ(change->alerts().alerts(0).operation(), v1::OPERATION_UPSERT);
}

TEST_F(SubscribeAlertsTest, GoesOnBehindItsToken) {
  Start({});
  v1::SubscribeAlertsRequest request;
  {
    AlertsClient client(stub(), request);
    client.Read();
    request.set_resume_token(client.Read()->resume_token());
  }
  store_->Commit({.alerts = {AlertNow(1), AlertNow(2)}}).value();
  AlertsClient client(stub(), request);
  EXPECT_TRUE(client.Read()->has_started());
  EXPECT_EQ(client.Read()->alerts().alerts_size(), 2);
}

TEST_F(SubscribeAlertsTest, ProgressComesWithoutQueries) {
  Start({});
  auto board = std::make_shared<ProgressBoard>(1);
  board->front().query = Query{"prom", "q", "q", TimeKind::kSample};
  store_->PublishProgress(board);
  v1::SubscribeAlertsRequest request;
  request.mutable_progress_interval()->set_nanos(100'000'000);
  request.set_start(v1::SUBSCRIPTION_START_LIVE);
  AlertsClient client(stub(), request);
  client.Read();
  const auto progress = client.Read();
  ASSERT_TRUE(progress->has_progress());
  EXPECT_EQ(progress->progress().queries_size(), 0);
}

TEST_F(SubscribeAlertsTest, ErrorsAreTold) {
  Start({.store = {.store_id = "s", .sequence_limits = {}, .change_log_limits = {1, 1 << 20}},
         .hub = {},
         .subscription = {}});
  v1::SubscribeAlertsRequest request;
  request.set_filter("severity==critical");
  const absl::Status filter = AlertsClient(stub(), request).Finish();
  EXPECT_THAT(filter, StatusIs(absl::StatusCode::kInvalidArgument, "column 9"));
  EXPECT_EQ(ReasonOf(filter), "INVALID_FILTER");
  request.clear_filter();
  request.set_resume_token("nonsense");
  EXPECT_EQ(ReasonOf(AlertsClient(stub(), request).Finish()), "INVALID_RESUME_TOKEN");
  {
    AlertsClient client(stub(), {});
    request.set_resume_token(client.Read()->resume_token());
  }
  request.set_source("am");
  EXPECT_EQ(ReasonOf(AlertsClient(stub(), request).Finish()), "RESUME_TOKEN_OTHER_ARGUMENTS");
  request.clear_source();
  store_->Commit({.alerts = {AlertNow(1)}}).value();
  store_->Commit({.alerts = {AlertNow(2)}}).value();
  const absl::Status too_old = AlertsClient(stub(), request).Finish();
  EXPECT_THAT(too_old, StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(ReasonOf(too_old), "RESUME_TOKEN_TOO_OLD");
}

TEST_F(SubscribeAlertsTest, CancelledClientMakesRoomForAnother) {
  Start({.store = {}, .hub = {.subscribers_max = 1}, .subscription = {}});
  AlertsClient first(stub(), {});
  first.Read();
  EXPECT_EQ(ReasonOf(AlertsClient(stub(), {}).Finish()), "TOO_MANY_SUBSCRIBERS");
  first.Cancel();
  for (bool admitted = false; !admitted;) {
    AlertsClient next(stub(), {});
    admitted = next.Read().has_value();
  }
}

TEST_F(SubscribeAlertsTest, StopEndsStreamsWithAReason) {
  Start({});
  AlertsClient client(stub(), {});
  client.Read();
  const auto last = client.Read();
  hub_->Stop();
  const absl::Status end = client.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(end), "STOPPING");
  EXPECT_EQ(TokenOf(end), last->resume_token());
}

}  // namespace
}  // namespace alertjoin
