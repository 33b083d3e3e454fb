#include <gmock/gmock.h>

#include "common/status/status.h"
#include "tests/integration/read/read_fixture.h"
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

}  // namespace
}  // namespace alertjoin
