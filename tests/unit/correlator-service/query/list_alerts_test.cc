#include "correlator-service/query/list_alerts.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "correlator-service/query/page_token.h"
#include "correlator-service/rows/opaque_token.h"
#include "tests/support/alerts.h"
#include "tests/support/seed.h"
#include "tests/unit/correlator-service/query/listing_fixture.h"

namespace alertjoin {
namespace {

class ListAlertsTest : public ListingTest<v1::ListAlertsRequest, v1::ListAlertsResponse> {
 protected:
  void Commit(std::vector<AlertSpec> specs) {
    RowCommit commit;
    for (const AlertSpec& spec : specs) commit.alerts.push_back(MakeAlert(spec));
    store_.Commit(std::move(commit)).value();
  }
  // Alerts 1 to `count`, the last one newest.
  void CommitAlerts(int count) {
    for (int id = 1; id <= count; ++id) Commit({From(id, id)});
  }
  static Timestamp At(int64_t seconds) { return kRowsNow + std::chrono::seconds(seconds); }
  static AlertSpec From(int id, int64_t seconds, std::optional<int64_t> to = {}) {
    AlertSpec spec;
    spec.id = id;
    spec.starts_at = At(seconds);
    if (to) spec.ends_at = At(*to);
    return spec;
  }
  absl::StatusOr<v1::ListAlertsResponse> Ask(const v1::ListAlertsRequest& request,
                                             const ListLimits& limits) override {
    return ListAlerts(store_, request, limits);
  }
  std::vector<std::string> Listed(const v1::ListAlertsResponse& page) override {
    std::vector<std::string> ids;
    for (const auto& alert : page.alerts()) ids.push_back(alert.alert_id());
    return ids;
  }
  static v1::ListAlertsRequest Between(std::optional<int64_t> from, std::optional<int64_t> to) {
    v1::ListAlertsRequest request;
    if (from) request.mutable_from()->set_seconds(At(*from).millis() / 1000);
    if (to) request.mutable_to()->set_seconds(At(*to).millis() / 1000);
    return request;
  }
};

TEST_F(ListAlertsTest, EmptyTableIsOneEmptyPage) {
  const auto page = Page({});
  EXPECT_EQ(page.alerts_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ListAlertsTest, AlertTellsItsEpisode) {
  AlertSpec spec = From(7, 10, 70);
  spec.annotation = "over";
  Commit({spec});
  const auto page = Page({});
  ASSERT_EQ(page.alerts_size(), 1);
  const v1::Alert& alert = page.alerts(0);
  EXPECT_EQ(alert.alert_id(), ToHex(IdOf(7)));
  EXPECT_EQ(alert.sequence(), 1u);
  EXPECT_EQ(alert.operation(), v1::OPERATION_UPSERT);
  EXPECT_EQ(alert.transition().state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(alert.transition().alert_name(), "a");
  EXPECT_EQ(alert.transition().duration().seconds(), 60);
  EXPECT_EQ(alert.transition().annotations().at("note"), "over");
  EXPECT_EQ(alert.transition().starts_at().seconds() * 1000, At(10).millis());
  EXPECT_EQ(alert.received_time().seconds() * 1000, At(10).millis());
  EXPECT_EQ(page.sequence(), 1u);
}

TEST_F(ListAlertsTest, PagesTogetherAreTheTableNewestStartFirst) {
  CommitAlerts(7);
  v1::ListAlertsRequest request;
  for (int size = 1; size <= 8; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request), Ids({7, 6, 5, 4, 3, 2, 1})) << size;
  }
}

TEST_F(ListAlertsTest, PageSizeIs100ByDefaultAnd1000AtMost) {
  CommitAlerts(1005);
  EXPECT_EQ(Page({}).alerts_size(), 100);
  v1::ListAlertsRequest request;
  request.set_page_size(1'000'000);
  EXPECT_EQ(Page(request).alerts_size(), 1000);
}

TEST_F(ListAlertsTest, EveryFilterIsApplied) {
  AlertSpec labelled = From(2, 2);
  labelled.labels = {{"severity", "critical"}};
  AlertSpec other = From(3, 3);
  other.source = "other";
  Commit({From(1, 1, 9), labelled, other});
  v1::ListAlertsRequest request;
  request.set_state(v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(ListAll(request), Ids({1}));
  request.set_state(v1::ALERT_STATE_FIRING);
  EXPECT_EQ(ListAll(request), Ids({3, 2}));
  request.Clear();
  request.set_filter("severity=critical");
  EXPECT_EQ(ListAll(request), Ids({2}));
  request.Clear();
  request.set_source("other");
  EXPECT_EQ(ListAll(request), Ids({3}));
  request.set_source("unknown");
  EXPECT_EQ(ListAll(request), Ids({}));
}

TEST_F(ListAlertsTest, RangeIsOfTheTimeInWhichEpisodesFired) {
  Commit({From(1, 10, 20), From(2, 30), From(3, 40, 50), From(4, 60, 60)});
  EXPECT_EQ(ListAll(Between(20, {})), Ids({4, 3, 2}));
  EXPECT_EQ(ListAll(Between(19, {})), Ids({4, 3, 2, 1}));
  EXPECT_EQ(ListAll(Between({}, 30)), Ids({1}));
  EXPECT_EQ(ListAll(Between(50, 60)), Ids({2}));
  EXPECT_EQ(ListAll(Between(60, 61)), Ids({4, 2}));
  EXPECT_EQ(ListAll(Between(61, 61)), Ids({2}));
}

TEST_F(ListAlertsTest, PageThatMetALimitGoesOnWithItsToken) {
  CommitAlerts(10);
  const auto all = ListAll({});
  EXPECT_EQ(Page({}, {100, 1}).alerts_size(), 1);
  EXPECT_EQ(ListAll({}, {100, 1}), all);
  v1::ListAlertsRequest request;
  request.set_page_size(1);
  request.set_source("none");
  const auto page = Page(request, {2, 1 << 20});
  EXPECT_EQ(page.alerts_size(), 0);
  EXPECT_NE(page.next_page_token(), "");
  EXPECT_TRUE(ListAll(request, {2, 1 << 20}).empty());
}

// However many there were before: what was over before `from` is not looked at, but for the hours
// in which one began that was not. The limit counts what is read.
TEST_F(ListAlertsTest, WhatWasOverBeforeTheRangeIsNotRead) {
  constexpr int kHour = 3600;
  std::vector<AlertSpec> old;
  for (int id = 1; id <= 2000; ++id) old.push_back(From(id, 10 * id, 10 * id + 5));
  Commit(old);
  Commit({From(3000, 1000), From(4000, 10 * kHour, 10 * kHour + 60)});
  v1::ListAlertsRequest request = Between(10 * kHour, {});
  request.set_page_size(1);
  // The first read is for a page and one more. The hour of alert 3000 has 360 others.
  const auto first = Page(request, {2, 1 << 20});
  ASSERT_EQ(first.alerts_size(), 1);
  EXPECT_EQ(first.alerts(0).alert_id(), ToHex(IdOf(4000)));
  request.set_page_token(first.next_page_token());
  const auto last = Page(request, {400, 1 << 20});
  ASSERT_EQ(last.alerts_size(), 1);
  EXPECT_EQ(last.alerts(0).alert_id(), ToHex(IdOf(3000)));
  EXPECT_EQ(last.next_page_token(), "");
  // Nothing at all is left to read once that one is over.
  Commit({From(3000, 1000, 2000)});
  EXPECT_EQ(ListAll(Between(11 * kHour, {})), Ids({}));
  EXPECT_EQ(Page(Between(11 * kHour, {}), {1, 1 << 20}).next_page_token(), "");
}

// No alert that exists throughout is lost or comes twice.
TEST_F(ListAlertsTest, PagesAreExactUnderConcurrentWrites) {
  constexpr int kKept = 60;
  std::vector<AlertSpec> kept;
  for (int id = 1; id <= kKept; ++id) kept.push_back(From(id, 10 * id));
  Commit(kept);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::mt19937_64 random(TestSeed());
    while (!stop) {
      // Others come and go between them, and they themselves end.
      AlertSpec other = From(static_cast<int>(1000 + random() % 50), random() % 700);
      if (random() % 3 == 0) other.operation = Operation::kDelete;
      AlertSpec ended = kept[random() % kKept];
      ended.ends_at = ended.starts_at + Millis(random() % 1000);
      Commit({other, ended});
    }
  });
  v1::ListAlertsRequest request;
  request.set_page_size(3);
  for (int round = 0; round < 30; ++round) {
    std::multiset<std::string> ids;
    for (const std::string& id : ListAll(request)) ids.insert(id);
    for (int id = 1; id <= kKept; ++id) EXPECT_EQ(ids.count(ToHex(IdOf(id))), 1u) << id;
  }
  stop = true;
  writer.join();
}

TEST_F(ListAlertsTest, WhatIsWrongIsNamed) {
  v1::ListAlertsRequest filter;
  filter.set_filter("severity");
  ExpectRefused(filter, "INVALID_FILTER", "filter");
  v1::ListAlertsRequest state;
  state.set_state(static_cast<v1::AlertState>(77));
  ExpectRefused(state, "INVALID_FILTER", "state");
  v1::ListAlertsRequest page_size;
  page_size.set_page_size(-1);
  ExpectRefused(page_size, "INVALID_PAGE_SIZE", "page_size");
  ExpectRefused(Between(2, 1), "INVALID_TIME_RANGE", "from");
  v1::ListAlertsRequest time;
  time.mutable_to()->set_nanos(-1);
  ExpectRefused(time, "INVALID_TIME_RANGE", "to");
}

TEST_F(ListAlertsTest, PageTokenIsOursAndForItsArguments) {
  CommitAlerts(3);
  v1::ListAlertsRequest request;
  request.set_page_size(1);
  const std::string token = Page(request).next_page_token();
  request.set_page_token("nonsense");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.set_page_token(token);
  request.set_source("am");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  request.clear_source();
  request.set_state(v1::ALERT_STATE_FIRING);
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  // The size of the page may change.
  request.clear_state();
  request.set_page_size(2);
  EXPECT_EQ(Page(request).alerts_size(), 2);
  EXPECT_EQ(Page(request).next_page_token(), "");
}

// Whoever has a token can make others of it.
TEST_F(ListAlertsTest, AForgedTimeInThePageTokenIsRefused) {
  CommitAlerts(3);
  v1::ListAlertsRequest request = Between(1, {});
  request.set_page_size(1);
  auto token = TokenReader::Open(TokenKind::kPage, Page(request).next_page_token());
  ASSERT_TRUE(token.has_value());
  const uint64_t argument_hash = token->ReadUint64();
  for (const int64_t time :
       {INT64_MIN, Timestamp::Min().millis() - 1, Timestamp::Max().millis() + 1, INT64_MAX}) {
    const RowPosition forged{Timestamp::FromMillis(time), IdOf(1)};
    request.set_page_token(EncodePageToken(forged, argument_hash));
    ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
  }
}

}  // namespace
}  // namespace alertjoin
