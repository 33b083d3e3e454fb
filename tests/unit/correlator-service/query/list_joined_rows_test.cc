#include "correlator-service/query/list_joined_rows.h"

#include <gtest/gtest.h>

#include "correlator-service/model/row_size.h"
#include "correlator-service/query/page_token.h"
#include "tests/support/seed.h"
#include "tests/unit/correlator-service/query/listing_fixture.h"

namespace alertjoin {
namespace {

class ListJoinedRowsTest
    : public ListingTest<v1::ListJoinedRowsRequest, v1::ListJoinedRowsResponse> {
 protected:
  void Commit(std::vector<RowSpec> specs) {
    std::vector<JoinedRow> changes;
    for (const RowSpec& spec : specs) changes.push_back(MakeRow(spec));
    store_.Commit({.changes = std::move(changes)}).value();
  }
  // Rows 1 to `count`, the last one newest.
  void CommitRows(int count) {
    for (int id = 1; id <= count; ++id) Commit({At(id, id)});
  }
  static RowSpec At(int id, int64_t seconds) {
    RowSpec spec;
    spec.id = id;
    spec.event_time = kRowsNow + std::chrono::seconds(seconds);
    return spec;
  }
  absl::StatusOr<v1::ListJoinedRowsResponse> Ask(const v1::ListJoinedRowsRequest& request,
                                                 const ListLimits& limits) override {
    return ListJoinedRows(store_, request, limits);
  }
  std::vector<std::string> Listed(const v1::ListJoinedRowsResponse& page) override {
    std::vector<std::string> ids;
    for (const auto& row : page.rows()) ids.push_back(row.row_id());
    return ids;
  }
};

TEST_F(ListJoinedRowsTest, EmptyTableIsOneEmptyPage) {
  const auto page = Page({});
  EXPECT_EQ(page.rows_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_EQ(page.sequence(), 0u);
}

TEST_F(ListJoinedRowsTest, NewestComesFirst) {
  CommitRows(3);
  const auto page = Page({});
  EXPECT_EQ(Listed(page), Ids({3, 2, 1}));
  EXPECT_EQ(page.sequence(), 3u);
  EXPECT_EQ(page.rows(0).operation(), v1::OPERATION_UPSERT);
}

TEST_F(ListJoinedRowsTest, PageSizeIs100ByDefaultAnd1000AtMost) {
  CommitRows(1005);
  EXPECT_EQ(Page({}).rows_size(), 100);
  v1::ListJoinedRowsRequest request;
  request.set_page_size(1'000'000);
  EXPECT_EQ(Page(request).rows_size(), 1000);
  request.set_page_size(7);
  EXPECT_EQ(Page(request).rows_size(), 7);
}

TEST_F(ListJoinedRowsTest, PagesTogetherAreTheTable) {
  CommitRows(7);
  v1::ListJoinedRowsRequest request;
  for (int size = 1; size <= 8; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request), Ids({7, 6, 5, 4, 3, 2, 1})) << size;
  }
}

TEST_F(ListJoinedRowsTest, LastPageHasNoToken) {
  CommitRows(4);
  v1::ListJoinedRowsRequest request;
  request.set_page_size(2);
  request.set_page_token(Page(request).next_page_token());
  const auto last = Page(request);
  EXPECT_EQ(last.rows_size(), 2);
  EXPECT_EQ(last.next_page_token(), "");
}

TEST_F(ListJoinedRowsTest, PagesAreStableWhileRowsComeAndGo) {
  CommitRows(6);
  v1::ListJoinedRowsRequest request;
  request.set_page_size(2);
  const auto first = Page(request);
  EXPECT_EQ(Listed(first), Ids({6, 5}));
  RowSpec deleted = At(5, 5);
  deleted.operation = Operation::kDelete;
  Commit({At(7, 7), deleted});  // Before and at the cursor.
  request.set_page_token(first.next_page_token());
  EXPECT_EQ(ListAll(request), Ids({4, 3, 2, 1}));
}

TEST_F(ListJoinedRowsTest, EveryFilterIsApplied) {
  RowSpec resolved = At(1, 1);
  resolved.state = AlertState::kResolved;
  RowSpec named = At(2, 2);
  named.query_name = "p";
  RowSpec labelled = At(3, 3);
  labelled.labels = LabelSet{{"severity", "critical"}};
  RowSpec final_row = At(4, 4);
  final_row.final = true;
  RowSpec stale = At(5, 5);
  stale.match_state = MatchState::kStale;
  Commit({resolved, named, labelled, final_row, stale});

  v1::ListJoinedRowsRequest request;
  request.set_state(v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(ListAll(request), Ids({1}));
  request.Clear();
  request.set_query_name("p");
  EXPECT_EQ(ListAll(request), Ids({2}));
  request.Clear();
  request.set_filter("severity=critical");
  EXPECT_EQ(ListAll(request), Ids({3}));
  request.Clear();
  request.set_final_only(true);
  EXPECT_EQ(ListAll(request), Ids({4}));
  request.Clear();
  request.set_match_state(v1::MATCH_STATE_STALE);
  EXPECT_EQ(ListAll(request), Ids({5}));
}

TEST_F(ListJoinedRowsTest, TimeRangeHasItsBeginningButNotItsEnd) {
  CommitRows(4);
  v1::ListJoinedRowsRequest request;
  request.mutable_from()->set_seconds(kRowsNow.millis() / 1000 + 2);
  request.mutable_to()->set_seconds(kRowsNow.millis() / 1000 + 4);
  EXPECT_EQ(ListAll(request), Ids({3, 2}));
  *request.mutable_to() = request.from();
  EXPECT_EQ(ListAll(request), Ids({}));
}

TEST_F(ListJoinedRowsTest, PageThatMetALimitGoesOnWithItsToken) {
  CommitRows(10);
  v1::ListJoinedRowsRequest request;
  const auto all = ListAll(request);
  // So many bytes as two rows have.
  const size_t bytes = 2 * ApproximateBytes(MakeRow(At(1, 1)));
  EXPECT_EQ(Page(request, {100, bytes}).rows_size(), 2);
  EXPECT_EQ(ListAll(request, {100, bytes}), all);
  EXPECT_EQ(ListAll(request, {100, 1}), all);
  // A search that finds nothing for long ends its page empty.
  request.set_page_size(1);
  request.set_query_name("none");
  const auto page = Page(request, {2, 1 << 20});
  EXPECT_EQ(page.rows_size(), 0);
  EXPECT_NE(page.next_page_token(), "");
  EXPECT_TRUE(ListAll(request, {2, 1 << 20}).empty());
}

TEST_F(ListJoinedRowsTest, RandomTableIsListedAsItIs) {
  RandomRowWriter writer(store_, TestSeed());
  v1::ListJoinedRowsRequest request;
  request.set_page_size(7);
  request.set_filter("severity=critical");
  RowFilter filter;
  filter.matchers = *ParseMatchers("severity=critical");
  for (int round = 0; round < 50; ++round) {
    writer.Commit();
    const auto listed = ListAll(request);
    const DescribedRows expected = writer.TableAt(store_.newest(), filter);
    ASSERT_EQ(listed.size(), expected.size());
    for (const auto& [id, description] : expected) {
      ASSERT_EQ(std::count(listed.begin(), listed.end(), ToHex(id)), 1);
    }
  }
}

TEST_F(ListJoinedRowsTest, WhatIsWrongIsNamed) {
  v1::ListJoinedRowsRequest filter;
  filter.set_filter("severity");
  ExpectRefused(filter, "INVALID_FILTER", "filter");
  v1::ListJoinedRowsRequest match_state;
  match_state.set_match_state(static_cast<v1::MatchState>(77));
  ExpectRefused(match_state, "INVALID_FILTER", "match_state");
  v1::ListJoinedRowsRequest page_size;
  page_size.set_page_size(-1);
  ExpectRefused(page_size, "INVALID_PAGE_SIZE", "page_size");
  v1::ListJoinedRowsRequest range;
  range.mutable_from()->set_seconds(2);
  range.mutable_to()->set_seconds(1);
  ExpectRefused(range, "INVALID_TIME_RANGE", "from");
  v1::ListJoinedRowsRequest time;
  time.mutable_to()->set_nanos(-1);
  ExpectRefused(time, "INVALID_TIME_RANGE", "to");
}

TEST_F(ListJoinedRowsTest, PageTokenIsOursAndForItsArguments) {
  CommitRows(3);
  v1::ListJoinedRowsRequest request;
  request.set_page_size(1);
  const std::string token = Page(request).next_page_token();
  request.set_page_token("nonsense");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.set_page_token(token.substr(1));
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.set_page_token(token);
  request.set_filter("a=b");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.clear_filter();
  request.mutable_from()->set_seconds(1);
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  // The size of the page may change.
  request.clear_from();
  request.set_page_size(2);
  EXPECT_EQ(Listed(Page(request)), Ids({2, 1}));
}

}  // namespace
}  // namespace alertjoin
