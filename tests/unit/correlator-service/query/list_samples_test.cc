#include "correlator-service/query/list_samples.h"

#include <fmt/format.h>

#include "tests/unit/correlator-service/query/tables_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

class ListSamplesTest : public TablesTest {
 protected:
  v1::ListSamplesResponse Page(const v1::ListSamplesRequest& request,
                               const SeriesPageLimits& limits = {}) {
    auto page = ListSamples(tables_, request, limits);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? *std::move(page) : v1::ListSamplesResponse();
  }
  static void AddTo(std::vector<std::string>& texts, const v1::ListSamplesResponse& page) {
    for (const auto& series : page.series()) {
      for (const auto& sample : series.samples()) {
        texts.push_back(
            fmt::format("{} {}@{}", NameOf(series.series()),
                        sample.has_value() ? fmt::to_string(sample.value()) : std::string("stale"),
                        sample.time().nanos() / 1'000'000));
      }
    }
  }
  std::vector<std::string> ListAll(v1::ListSamplesRequest request,
                                   const SeriesPageLimits& limits = {}) {
    std::vector<std::string> texts;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = Page(request, limits);
      AddTo(texts, page);
      if (page.next_page_token().empty()) return texts;
      request.set_page_token(page.next_page_token());
    }
    ADD_FAILURE() << "no end";
    return texts;
  }
};

TEST_F(ListSamplesTest, GivesSeriesBySeriesAndThenByTime) {
  Apply(Samples("p", {{"i", "1"}}, {{20, 2}, {10, 1}}),
        Samples("q", {{"i", "1"}}, {{15, StaleMarker()}}));
  EXPECT_THAT(ListAll({}),
              ElementsAre("p{i=\"1\"} 1@10", "p{i=\"1\"} 2@20", "q{i=\"1\"} stale@15"));
}

TEST_F(ListSamplesTest, FromIsInclusiveAndToIsNot) {
  Apply(Samples("p", {{"i", "1"}}, {{10, 1}, {20, 2}, {30, 3}}));
  v1::ListSamplesRequest request;
  request.mutable_from()->set_nanos(20'000'000);
  EXPECT_THAT(ListAll(request), ElementsAre("p{i=\"1\"} 2@20", "p{i=\"1\"} 3@30"));
  request.mutable_to()->set_nanos(30'000'000);
  EXPECT_THAT(ListAll(request), ElementsAre("p{i=\"1\"} 2@20"));
  *request.mutable_to() = request.from();
  EXPECT_THAT(ListAll(request), testing::IsEmpty());
}

TEST_F(ListSamplesTest, PagesOfEverySizeTogetherAreAllSamples) {
  ApplySeries("p", 3);
  Apply(Samples("q", {{"i", "1"}}, {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}));
  const auto all = ListAll({});
  EXPECT_EQ(all.size(), 11u);
  v1::ListSamplesRequest request;
  for (int size = 1; size <= 12; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request), all) << size;
    const auto page = Page(request);
    std::vector<std::string> texts;
    AddTo(texts, page);
    EXPECT_LE(texts.size(), static_cast<size_t>(size));
  }
  SeriesPageLimits limits;
  limits.bytes_max = 1;
  EXPECT_EQ(ListAll({}, limits), all);
}

TEST_F(ListSamplesTest, PagesAreStableWhileSamplesCome) {
  Apply(Samples("p", {{"i", "1"}}, {{10, 1}, {20, 2}, {30, 3}}));
  v1::ListSamplesRequest request;
  request.set_page_size(2);
  const auto first = Page(request);
  // Before the place and behind it.
  Apply(Samples("p", {{"i", "1"}}, {{15, 9}, {25, 9}}));
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(ListAll(request), ElementsAre("p{i=\"1\"} 9@25", "p{i=\"1\"} 3@30"));
}

TEST_F(ListSamplesTest, ManySeriesWithoutSamplesInTheRangeArePassedOver) {
  ApplySeries("p", 300);
  Apply(Samples("p", {{"i", "250"}}, {{500, 1}}));
  v1::ListSamplesRequest request;
  request.mutable_from()->set_nanos(500'000'000);
  EXPECT_THAT(ListAll(request), ElementsAre("p{i=\"250\"} 1@500"));
}

TEST_F(ListSamplesTest, BadArgumentsAreNamed) {
  v1::ListSamplesRequest request;
  request.mutable_from()->set_seconds(2);
  request.mutable_to()->set_seconds(1);
  ExpectRefused(ListSamples(tables_, request), "INVALID_TIME_RANGE", "from");
  request.Clear();
  request.mutable_to()->set_nanos(-1);
  ExpectRefused(ListSamples(tables_, request), "INVALID_TIME_RANGE", "to");
  request.Clear();
  request.set_page_size(-1);
  ExpectRefused(ListSamples(tables_, request), "INVALID_PAGE_SIZE", "page_size");
}

TEST_F(ListSamplesTest, ATokenWithAnyTimeInItIsHarmless) {
  Apply(Samples("p", {{"i", "1"}}, {{10, 1}}));
  v1::ListSamplesRequest request;
  request.set_page_token("U");
  ExpectRefused(ListSamples(tables_, request), "INVALID_PAGE_TOKEN", "page_token");
}

}  // namespace
}  // namespace alertjoin
