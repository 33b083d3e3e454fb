#include "correlator-service/query/list_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event/event_limits.h"
#include "tests/unit/correlator-service/query/listing_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

SourceStatus Told(const std::string& source, SourceKind kind = SourceKind::kMetrics,
                  const std::string& producer = "p") {
  SourceStatus status;
  status.source = source;
  status.kind = kind;
  status.producer_id = producer;
  status.time = Timestamp::FromMillis(5'000);
  return status;
}

class ListSourcesTest : public ListingTest<v1::ListSourcesRequest, v1::ListSourcesResponse> {
 protected:
  void Tell(std::vector<SourceStatus> sources) {
    store_.Commit({.sources = std::move(sources)}).value();
  }
  absl::StatusOr<v1::ListSourcesResponse> Ask(const v1::ListSourcesRequest& request,
                                              const ListLimits&) override {
    return ListSources(store_, request);
  }
  // "a METRICS p"
  std::vector<std::string> Listed(const v1::ListSourcesResponse& page) override {
    std::vector<std::string> texts;
    for (const v1::SourceStatus& status : page.sources()) {
      const bool is_metrics = status.kind() == v1::SourceStatus::KIND_METRICS;
      texts.push_back(status.source() + (is_metrics ? " METRICS " : " ALERTS ") +
                      status.producer_id());
    }
    return texts;
  }
};

TEST_F(ListSourcesTest, NothingIsOneEmptyPage) {
  const auto page = Page({});
  EXPECT_EQ(page.sources_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ListSourcesTest, TellsHowASourceFares) {
  SourceStatus status = Told("prom");
  status.health = SourceHealth::kForbidden;
  status.last_error = "HTTP 403";
  status.last_error_time = Timestamp::FromMillis(4'000);
  status.description = "Prometheus 2.42";
  Tell({status});
  const auto page = Page({});
  ASSERT_EQ(page.sources_size(), 1);
  const v1::SourceStatus& told = page.sources(0);
  EXPECT_EQ(told.source(), "prom");
  EXPECT_EQ(told.kind(), v1::SourceStatus::KIND_METRICS);
  EXPECT_EQ(told.producer_id(), "p");
  EXPECT_EQ(told.health(), v1::SOURCE_HEALTH_FORBIDDEN);
  EXPECT_EQ(told.last_error(), "HTTP 403");
  EXPECT_EQ(told.last_error_time().seconds(), 4);
  EXPECT_EQ(told.time().seconds(), 5);
  EXPECT_EQ(told.description(), "Prometheus 2.42");
}

TEST_F(ListSourcesTest, OneThatIsWellHasNoTimeOfAnError) {
  Tell({Told("prom")});
  EXPECT_FALSE(Page({}).sources(0).has_last_error_time());
}

TEST_F(ListSourcesTest, OrderIsByNameThenKindThenProducer) {
  Tell(
      {Told("b"), Told("a", SourceKind::kAlerts), Told("a", SourceKind::kMetrics, "q"), Told("a")});
  EXPECT_THAT(ListAll({}), ElementsAre("a METRICS p", "a METRICS q", "a ALERTS p", "b METRICS p"));
}

TEST_F(ListSourcesTest, PagesTogetherAreAllSourcesWhateverTheirSize) {
  Tell({Told("b"), Told("a", SourceKind::kAlerts), Told("a", SourceKind::kMetrics, "q"), Told("a"),
        Told("a", SourceKind::kAlerts, "q")});
  const auto all = ListAll({});
  ASSERT_EQ(all.size(), 5u);
  v1::ListSourcesRequest request;
  for (int size = 1; size <= 6; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request), all) << size;
  }
}

TEST_F(ListSourcesTest, SourcesThatComeAndGoMeanwhileDisturbNoOther) {
  Tell({Told("b"), Told("d"), Told("f")});
  v1::ListSourcesRequest request;
  request.set_page_size(2);
  request.set_page_token(Page(request).next_page_token());
  // The last one of the first page goes, others come before and behind it.
  store_
      .Commit({.sources = {Told("a"), Told("e"), Told("f")},
               .row_horizon = Timestamp::FromMillis(6'000)})
      .value();
  Tell({Told("a"), Told("e"), Told("f")});
  EXPECT_THAT(ListAll(request), ElementsAre("e METRICS p", "f METRICS p"));
}

TEST_F(ListSourcesTest, TheLongestNamesHaveAToken) {
  const std::string longest(kIdentifierBytesMax, 'z');
  Tell({Told(longest, SourceKind::kMetrics, longest), Told(longest, SourceKind::kAlerts, longest)});
  v1::ListSourcesRequest request;
  request.set_page_size(1);
  EXPECT_EQ(ListAll(request).size(), 2u);
}

TEST_F(ListSourcesTest, PageSizeIs100ByDefaultAnd1000AtMost) {
  std::vector<SourceStatus> many;
  for (int i = 0; i < 1'005; ++i) many.push_back(Told(std::to_string(i)));
  Tell(many);
  EXPECT_EQ(Page({}).sources_size(), 100);
  v1::ListSourcesRequest request;
  request.set_page_size(1'000'000);
  EXPECT_EQ(Page(request).sources_size(), 1000);
}

TEST_F(ListSourcesTest, BadArgumentsAreNamed) {
  v1::ListSourcesRequest request;
  request.set_page_size(-1);
  ExpectRefused(request, "INVALID_PAGE_SIZE", "page_size");
  request.Clear();
  request.set_page_token("nonsense");
  ExpectRefused(request, "INVALID_PAGE_TOKEN", "page_token");
}

}  // namespace
}  // namespace alertjoin
