#include "correlator-service/query/summarize_alerts.h"

#include <gtest/gtest.h>

#include "common/status/status.h"
#include "correlator-service/rows/opaque_token.h"
#include "tests/support/alerts.h"
#include "tests/unit/correlator-service/query/listing_fixture.h"

namespace alertjoin {
namespace {

class SummarizeAlertsTest
    : public ListingTest<v1::SummarizeAlertsRequest, v1::SummarizeAlertsResponse, SummaryLimits> {
 protected:
  void Commit(const AlertSpec& spec) { store_.Commit({.alerts = {MakeAlert(spec)}}).value(); }
  // An episode of the alert `alert<id>`, minutes ago.
  static AlertSpec Ago(int id, int64_t from, std::optional<int64_t> to = {}) {
    AlertSpec spec;
    spec.id = id;
    spec.alert = "alert" + std::to_string(id);
    spec.starts_at = kRowsNow - std::chrono::minutes(from);
    if (to) spec.ends_at = kRowsNow - std::chrono::minutes(*to);
    return spec;
  }
  absl::StatusOr<v1::SummarizeAlertsResponse> Ask(const v1::SummarizeAlertsRequest& request,
                                                  const SummaryLimits& limits) override {
    return SummarizeAlerts(store_, request, now_, limits);
  }
  // Names of alerts. The next page is read a minute later, and all are of the same range.
  std::vector<std::string> Listed(const v1::SummarizeAlertsResponse& page) override {
    EXPECT_EQ(page.to().seconds() * 1000, kRowsNow.millis());
    now_ = now_ + std::chrono::minutes(1);
    std::vector<std::string> names;
    for (const auto& summary : page.summaries()) names.push_back(summary.labels().at("alertname"));
    return names;
  }
  std::vector<std::string> ListAll(const v1::SummarizeAlertsRequest& request,
                                   const SummaryLimits& limits = {}) {
    now_ = kRowsNow;
    auto names = ListingTest::ListAll(request, limits);
    now_ = kRowsNow;
    return names;
  }

  Timestamp now_ = kRowsNow;
};

TEST_F(SummarizeAlertsTest, NothingIsOneEmptyPageOfTheLastDay) {
  const auto page = Page({});
  EXPECT_EQ(page.summaries_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_EQ(page.to().seconds() * 1000, kRowsNow.millis());
  EXPECT_EQ(page.to().seconds() - page.from().seconds(), 86400);
}

TEST_F(SummarizeAlertsTest, FiguresOfAnAlert) {
  Commit(Ago(1, 60, 50));
  AlertSpec again = Ago(1, 45, 25);
  again.id = 2;
  Commit(again);
  v1::SummarizeAlertsRequest request;
  request.mutable_bucket()->set_seconds(8 * 3600);
  const auto page = Page(request);
  ASSERT_EQ(page.summaries_size(), 1);
  const v1::AlertSummary& summary = page.summaries(0);
  EXPECT_EQ(summary.labels().at("alertname"), "alert1");
  EXPECT_EQ(summary.alerts(), 1u);
  EXPECT_EQ(summary.episodes(), 2u);
  EXPECT_EQ(summary.firing(), 0u);
  EXPECT_EQ(summary.flaps(), 1u);
  EXPECT_EQ(summary.firing_time().seconds(), 30 * 60);
  EXPECT_EQ(summary.mean_firing_time().seconds(), 15 * 60);
  EXPECT_EQ(summary.last_state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(summary.last_event_time().seconds() * 1000,
            (kRowsNow - std::chrono::minutes(25)).millis());
  ASSERT_EQ(summary.buckets_size(), 1);
  EXPECT_EQ(page.to().seconds() - summary.buckets(0).start().seconds(), 8 * 3600);
  EXPECT_EQ(summary.buckets(0).fired(), 2u);
  EXPECT_EQ(summary.buckets(0).resolved(), 2u);
  EXPECT_EQ(summary.buckets(0).firing_time().seconds(), 30 * 60);
}

TEST_F(SummarizeAlertsTest, FilterSourceGroupingAndFlapWindowAreApplied) {
  Commit(Ago(1, 60, 50));
  AlertSpec other = Ago(2, 45, 25);
  other.source = "other";
  Commit(other);
  v1::SummarizeAlertsRequest request;
  request.set_source("other");
  EXPECT_EQ(ListAll(request), std::vector<std::string>{"alert2"});
  request.clear_source();
  request.set_filter("alertname=alert1");
  EXPECT_EQ(ListAll(request), std::vector<std::string>{"alert1"});
  request.clear_filter();
  request.add_by("job");
  const auto page = Page(request);
  ASSERT_EQ(page.summaries_size(), 1);
  EXPECT_TRUE(page.summaries(0).labels().empty());
  EXPECT_EQ(page.summaries(0).alerts(), 2u);
  AlertSpec again = Ago(1, 41, 40);
  again.id = 3;
  Commit(again);
  EXPECT_EQ(Page({}).summaries(1).flaps(), 1u);
  v1::SummarizeAlertsRequest narrow;
  narrow.mutable_flap_window()->set_seconds(539);
  EXPECT_EQ(Page(narrow).summaries(1).flaps(), 0u);
}

TEST_F(SummarizeAlertsTest, PagesTogetherAreAllGroupsWhileTimeGoesBy) {
  std::vector<std::string> expected;
  for (int id = 1; id <= 9; ++id) {
    // Longest first; the last ones equal.
    Commit(Ago(id, 600, id < 6 ? 600 - 100 + 10 * id : 599));
    expected.push_back("alert" + std::to_string(id));
  }
  const auto in_order = [&](std::vector<std::string> names) {
    std::sort(names.begin() + 5, names.end());
    return names;
  };
  v1::SummarizeAlertsRequest request;
  for (int size = 1; size <= 10; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(in_order(ListAll(request)), expected) << size;
  }
  request.set_page_size(100);
  EXPECT_EQ(Page(request, {100, 1}).summaries_size(), 1);
  EXPECT_EQ(in_order(ListAll(request, {100, 1})), expected);
}

TEST_F(SummarizeAlertsTest, TooManyEpisodesAreRefused) {
  for (int id = 1; id <= 3; ++id) Commit(Ago(id, 60));
  EXPECT_THAT(SummarizeAlerts(store_, {}, kRowsNow, {3, 1 << 20}), IsOk());
  const auto refused = SummarizeAlerts(store_, {}, kRowsNow, {2, 1 << 20});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "shorter range"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "RANGE_TOO_LARGE");
}

TEST_F(SummarizeAlertsTest, EndsWhenNobodyWaitsForItAnyMore) {
  RowCommit commit;
  for (int id = 1; id <= 2500; ++id) commit.alerts.push_back(MakeAlert(Ago(id, 60)));
  store_.Commit(std::move(commit)).value();
  int asked = 0;
  const auto gone_at = [&](int turn) {
    asked = 0;
    return SummarizeAlerts(store_, {}, kRowsNow, {}, {}, [&asked, turn] {
      return ++asked == turn ? absl::CancelledError("gone") : absl::OkStatus();
    });
  };
  EXPECT_THAT(gone_at(2), StatusIs(absl::StatusCode::kCancelled, "gone"));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(gone_at(0), IsOk());
  EXPECT_EQ(asked, 3);
}

// However many there were before: a page costs what fired within the range.
TEST_F(SummarizeAlertsTest, WhatWasOverBeforeTheRangeIsNotRead) {
  RowCommit commit;
  for (int id = 1; id <= 5000; ++id) commit.alerts.push_back(MakeAlert(Ago(id, 3000 + id, 3000)));
  commit.alerts.push_back(MakeAlert(Ago(6000, 60, 50)));
  store_.Commit(std::move(commit)).value();
  int reads = 0;
  const auto sum_up = [&] {
    reads = 0;
    const auto page = SummarizeAlerts(store_, {}, kRowsNow, {}, {}, [&reads] {
      ++reads;
      return absl::OkStatus();
    });
    EXPECT_THAT(page, IsOk());
    return page.ok() ? page->summaries_size() : -1;
  };
  EXPECT_EQ(sum_up(), 1);
  EXPECT_EQ(reads, 1);
  // One fires since before them, or began again among them: what began since then is read.
  Commit(Ago(7000, 9000));
  EXPECT_EQ(sum_up(), 2);
  EXPECT_GE(reads, 6);
  AlertSpec again = Ago(7000, 7500, 7400);
  again.id = 7001;
  Commit(again);
  EXPECT_EQ(sum_up(), 1);
}

TEST_F(SummarizeAlertsTest, WhatIsWrongIsNamed) {
  v1::SummarizeAlertsRequest filter;
  filter.set_filter("severity");
  ExpectRefused(filter, "INVALID_FILTER", "filter");
  v1::SummarizeAlertsRequest range;
  range.mutable_from()->set_seconds(2);
  range.mutable_to()->set_seconds(1);
  ExpectRefused(range, "INVALID_TIME_RANGE", "from");
  v1::SummarizeAlertsRequest future;
  future.mutable_from()->set_seconds(kRowsNow.millis() / 1000 + 1);
  ExpectRefused(future, "INVALID_TIME_RANGE", "from");
  v1::SummarizeAlertsRequest bucket;
  bucket.mutable_bucket()->set_seconds(86);  // 1,005 of them.
  ExpectRefused(bucket, "INVALID_BUCKET", "bucket");
  bucket.mutable_bucket()->set_seconds(87);
  EXPECT_THAT(SummarizeAlerts(store_, bucket, kRowsNow), IsOk());
  bucket.mutable_bucket()->set_seconds(0);
  ExpectRefused(bucket, "INVALID_BUCKET", "bucket");
  bucket.mutable_bucket()->set_seconds(-1);
  ExpectRefused(bucket, "INVALID_BUCKET", "bucket");
  v1::SummarizeAlertsRequest flap_window;
  flap_window.mutable_flap_window()->set_seconds(-1);
  ExpectRefused(flap_window, "INVALID_FLAP_WINDOW", "flap_window");
  v1::SummarizeAlertsRequest by;
  by.add_by("");
  ExpectRefused(by, "INVALID_GROUPING", "by");
  by.set_by(0, "a");
  by.add_by("b");
  by.add_by("a");
  ExpectRefused(by, "INVALID_GROUPING", "by");
  by.clear_by();
  for (int i = 0; i < 65; ++i) by.add_by(std::to_string(i));
  ExpectRefused(by, "INVALID_GROUPING", "by");
  v1::SummarizeAlertsRequest page_size;
  page_size.set_page_size(-1);
  ExpectRefused(page_size, "INVALID_PAGE_SIZE", "page_size");
}

TEST_F(SummarizeAlertsTest, PageTokenIsOursAndForItsArguments) {
  for (int id = 1; id <= 3; ++id) Commit(Ago(id, 60));
  v1::SummarizeAlertsRequest request;
  request.set_page_size(1);
  const std::string token = Page(request).next_page_token();
  request.set_page_token("nonsense");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.set_page_token(token);
  request.add_by("job");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.clear_by();
  request.mutable_flap_window()->set_seconds(1);
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.clear_flap_window();
  request.set_page_size(2);
  EXPECT_EQ(Page(request).summaries_size(), 2);
}

// Whoever has a token can make others of it. One whose time lies beyond all years had a range of
// less than no time cut into buckets, and ended the process.
TEST_F(SummarizeAlertsTest, AForgedTimeInThePageTokenIsRefused) {
  for (int id = 1; id <= 3; ++id) Commit(Ago(id, 60));
  v1::SummarizeAlertsRequest request;
  request.mutable_from()->set_seconds(Timestamp::Min().millis() / 1000);
  request.mutable_bucket()->set_seconds(315'360'000);
  request.set_page_size(1);
  auto token = TokenReader::Open(TokenKind::kSummaryPage, Page(request).next_page_token());
  ASSERT_TRUE(token.has_value());
  const uint64_t argument_hash = token->ReadUint64();
  for (const int64_t now :
       {INT64_MIN, Timestamp::Min().millis() - 1, Timestamp::Max().millis() + 1, INT64_MAX}) {
    TokenWriter forged;
    forged.AddUint64(argument_hash);
    forged.AddInt64(now);
    forged.AddInt64(INT64_MIN);
    forged.AddUint64(0);
    request.set_page_token(forged.Seal(TokenKind::kSummaryPage));
    ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  }
}

}  // namespace
}  // namespace alertjoin
