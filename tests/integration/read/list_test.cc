#include <gmock/gmock.h>

#include "common/status/status.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/alerts.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ListTest = ReadTest;

TEST_F(ListTest, PagesAreTheTable) {
  Start({});
  std::vector<JoinedRow> changes;
  for (int id = 1; id <= 10; ++id) {
    RowSpec spec;
    spec.id = id;
    changes.push_back(MakeRow(spec));
  }
  store_->Commit({.changes = std::move(changes)}).value();
  v1::ListJoinedRowsRequest request;
  request.set_page_size(3);
  uint64_t sequence = 0;
  EXPECT_EQ(ListAll(request, &sequence).size(), 10u);
  EXPECT_EQ(sequence, 1u);
  EXPECT_THAT(Metrics(),
              testing::HasSubstr(
                  "alertjoin_grpc_requests_total{code=\"OK\",method=\"ListJoinedRows\"} 4\n"));
}

TEST_F(ListTest, ErrorsNameTheField) {
  Start({});
  v1::ListJoinedRowsRequest request;
  request.set_page_size(-1);
  const absl::Status error = ListError(request);
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kInvalidArgument, "page_size"));
  const auto detail = DetailOf(error);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_PAGE_SIZE");
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, "page_size");
  EXPECT_THAT(Metrics(),
              testing::HasSubstr("{code=\"INVALID_ARGUMENT\",method=\"ListJoinedRows\"} 1\n"));
}

using AlertsTest = ReadTest;

void CommitAlerts(RowStore& store, int count) {
  RowCommit commit;
  for (int id = 1; id <= count; ++id) {
    AlertSpec spec;
    spec.id = id;
    spec.starts_at = kRowsNow + std::chrono::seconds(id);
    commit.alerts.push_back(MakeAlert(spec));
  }
  store.Commit(std::move(commit)).value();
}

TEST_F(AlertsTest, ArePagedAndSummedUp) {
  Start({});
  CommitAlerts(*store_, 10);
  v1::ListAlertsRequest request;
  request.set_page_size(4);
  std::vector<std::string> ids;
  do {
    grpc::ClientContext context;
    v1::ListAlertsResponse page;
    ASSERT_THAT(FromGrpcStatus(stub().ListAlerts(&context, request, &page)), IsOk());
    for (const v1::Alert& alert : page.alerts()) ids.push_back(alert.alert_id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(ids.size(), 10u);
  EXPECT_EQ(ids.front(), ToHex(IdOf(10)));

  v1::SummarizeAlertsRequest summed;
  summed.mutable_from()->set_seconds(kRowsNow.millis() / 1000);
  summed.mutable_to()->set_seconds(kRowsNow.millis() / 1000 + 60);
  grpc::ClientContext context;
  v1::SummarizeAlertsResponse summaries;
  ASSERT_THAT(FromGrpcStatus(stub().SummarizeAlerts(&context, summed, &summaries)), IsOk());
  ASSERT_EQ(summaries.summaries_size(), 1);
  EXPECT_EQ(summaries.summaries(0).episodes(), 10u);
}

TEST_F(AlertsTest, ErrorsNameTheField) {
  Start({});
  v1::ListAlertsRequest request;
  request.set_page_token("x");
  grpc::ClientContext context;
  v1::ListAlertsResponse page;
  const absl::Status error = FromGrpcStatus(stub().ListAlerts(&context, request, &page));
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kInvalidArgument, "page_token"));
  EXPECT_EQ(DetailOf(error)->reason, "INVALID_PAGE_TOKEN");

  v1::SummarizeAlertsRequest summed;
  summed.add_by("");
  grpc::ClientContext other_context;
  v1::SummarizeAlertsResponse summaries;
  const absl::Status refused =
      FromGrpcStatus(stub().SummarizeAlerts(&other_context, summed, &summaries));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, "by"));
  EXPECT_EQ(DetailOf(refused)->reason, "INVALID_GROUPING");
}

TEST_F(AlertsTest, CallThatIsLateOrCancelledEndsAsSuch) {
  Start({});
  grpc::ClientContext late;
  late.set_deadline(std::chrono::system_clock::now() - std::chrono::seconds(1));
  v1::ListAlertsResponse page;
  EXPECT_THAT(FromGrpcStatus(stub().ListAlerts(&late, {}, &page)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  grpc::ClientContext cancelled;
  cancelled.TryCancel();
  v1::SummarizeAlertsResponse summaries;
  EXPECT_THAT(FromGrpcStatus(stub().SummarizeAlerts(&cancelled, {}, &summaries)),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace alertjoin
