#include "correlator-service/query/list_series.h"

#include "tests/unit/correlator-service/query/tables_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ListSeriesTest : public TablesTest {
 protected:
  v1::ListSeriesResponse Page(const v1::ListSeriesRequest& request,
                              const SeriesPageLimits& limits = {}) {
    auto page = ListSeries(tables_, request, limits);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? *std::move(page) : v1::ListSeriesResponse();
  }
  std::vector<std::string> ListAll(v1::ListSeriesRequest request,
                                   const SeriesPageLimits& limits = {}) {
    std::vector<std::string> names;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = Page(request, limits);
      for (const auto& series : page.series()) names.push_back(NameOf(series.series()));
      if (page.next_page_token().empty()) return names;
      request.set_page_token(page.next_page_token());
    }
    ADD_FAILURE() << "no end";
    return names;
  }
};

TEST_F(ListSeriesTest, NothingIsOneEmptyPage) {
  const auto page = Page({});
  EXPECT_EQ(page.series_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ListSeriesTest, TellsWhatIsHeld) {
  Apply(Samples("q", {{"i", "1"}}, {{30, 3}, {10, 1}, {20, StaleMarker()}}));
  const auto page = Page({});
  ASSERT_EQ(page.series_size(), 1);
  const v1::SeriesDescription& series = page.series(0);
  EXPECT_EQ(NameOf(series.series()), "q{i=\"1\"}");
  EXPECT_EQ(series.samples(), 3u);
  EXPECT_EQ(series.first_sample_time().nanos(), 10'000'000);
  EXPECT_EQ(series.last_sample().time().nanos(), 30'000'000);
  EXPECT_EQ(series.last_sample().value(), 3);
}

TEST_F(ListSeriesTest, AStaleMarkerHasNoValue) {
  Apply(Samples("q", {{"i", "1"}}, {{10, 1}, {20, StaleMarker()}}));
  EXPECT_FALSE(Page({}).series(0).last_sample().has_value());
}

TEST_F(ListSeriesTest, PagesTogetherAreAllSeriesWhateverTheirSize) {
  ApplySeries("p", 3);
  ApplySeries("q", 4);
  v1::ListSeriesRequest request;
  const auto all = ListAll(request);
  EXPECT_EQ(all.size(), 7u);
  for (int size = 1; size <= 8; ++size) {
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request), all) << size;
  }
}

TEST_F(ListSeriesTest, ManySeriesAreScannedInSeveralTurns) {
  ApplySeries("p", 2500);
  v1::ListSeriesRequest request;
  *request.mutable_series() = Of("p", "i=~\"7|2100|2500\"");
  EXPECT_THAT(ListAll(request), ElementsAre("p{i=\"7\"}", "p{i=\"2100\"}", "p{i=\"2500\"}"));
  // A page that has looked at enough ends early, and the listing goes on all the same.
  SeriesPageLimits limits;
  limits.series_scanned_max = 1;
  EXPECT_THAT(ListAll(request, limits),
              ElementsAre("p{i=\"7\"}", "p{i=\"2100\"}", "p{i=\"2500\"}"));
}

TEST_F(ListSeriesTest, SeriesThatComeMeanwhileDisturbNothing) {
  ApplySeries("p", 3);
  v1::ListSeriesRequest request;
  request.set_page_size(2);
  const auto first = Page(request);
  ApplySeries("p", 5);  // Two more.
  ApplySeries("a", 1);  // A query before `p` in the alphabet.
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(ListAll(request),
              ElementsAre("p{i=\"3\"}", "p{i=\"4\"}", "p{i=\"5\"}", "a{i=\"1\"}"));
}

TEST_F(ListSeriesTest, SelectsByQuerySourceAndLabels) {
  ApplySeries("p", 2);
  ApplySeries("q", 2);
  v1::ListSeriesRequest request;
  *request.mutable_series() = Of("q", "i=2");
  EXPECT_THAT(ListAll(request), ElementsAre("q{i=\"2\"}"));
  request.mutable_series()->Clear();
  request.mutable_series()->set_source("nowhere");
  EXPECT_THAT(ListAll(request), IsEmpty());
  request.mutable_series()->set_source("prom");
  EXPECT_EQ(ListAll(request).size(), 4u);
}

TEST_F(ListSeriesTest, APageEndsBeforeItsBytesAreTooMany) {
  ApplySeries("p", 5);
  SeriesPageLimits limits;
  limits.bytes_max = 1;
  EXPECT_EQ(Page({}, limits).series_size(), 1);
  EXPECT_EQ(ListAll({}, limits).size(), 5u);
}

TEST_F(ListSeriesTest, PageSizeIs100ByDefaultAnd1000AtMost) {
  ApplySeries("p", 1005);
  EXPECT_EQ(Page({}).series_size(), 100);
  v1::ListSeriesRequest request;
  request.set_page_size(1'000'000);
  EXPECT_EQ(Page(request).series_size(), 1000);
}

TEST_F(ListSeriesTest, BadArgumentsAreNamed) {
  v1::ListSeriesRequest request;
  request.set_page_size(-1);
  ExpectRefused(ListSeries(tables_, request), "INVALID_PAGE_SIZE", "page_size");
  request.Clear();
  request.mutable_series()->set_filter("i==");
  ExpectRefused(ListSeries(tables_, request), "INVALID_FILTER", "series.filter");
  request.Clear();
  request.set_page_token("nonsense");
  ExpectRefused(ListSeries(tables_, request), "INVALID_PAGE_TOKEN", "page_token");
}

TEST_F(ListSeriesTest, ATokenIsForTheSameArgumentsAndTheSameRun) {
  ApplySeries("p", 3);
  v1::ListSeriesRequest request;
  request.set_page_size(1);
  const std::string token = Page(request).next_page_token();
  request.set_page_token(token);
  *request.mutable_series() = Of("p");
  ExpectRefused(ListSeries(tables_, request), "INVALID_PAGE_TOKEN", "page_token");
  request.mutable_series()->Clear();
  EXPECT_THAT(ListSeries(tables_, request), IsOk());
  tables_.run = 2;
  ExpectRefused(ListSeries(tables_, request), "INVALID_PAGE_TOKEN", "page_token");
}

TEST_F(ListSeriesTest, ARefusedTurnIsTheAnswer) {
  tables_.refusal = absl::UnavailableError("busy");
  EXPECT_THAT(ListSeries(tables_, {}), StatusIs(absl::StatusCode::kUnavailable));
}

class ListQueriesTest : public TablesTest {
 protected:
  std::vector<std::string> ListAll(v1::ListQueriesRequest request,
                                   const SeriesPageLimits& limits = {},
                                   const Matchers& scope = {}) {
    std::vector<std::string> names;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = ListQueries(tables_, request, limits, scope);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) return names;
      for (const auto& query : page->queries()) {
        names.push_back(query.query().name() + " " + std::to_string(query.series()));
      }
      if (page->next_page_token().empty()) return names;
      request.set_page_token(page->next_page_token());
    }
    ADD_FAILURE() << "no end";
    return names;
  }
};

TEST_F(ListQueriesTest, AreOrderedByNameWithTheirSeriesAndProgress) {
  ApplySeries("q", 2);
  ApplySeries("a", 1);
  Apply(Covered("q", 10, 50));
  EXPECT_THAT(ListAll({}), ElementsAre("a 1", "q 2"));
  const auto page = ListQueries(tables_, {});
  EXPECT_FALSE(page->queries(0).has_progress());
  EXPECT_EQ(page->queries(1).progress().complete_from().nanos(), 10'000'000);
  EXPECT_EQ(page->queries(1).progress().complete_through().nanos(), 50'000'000);
}

TEST_F(ListQueriesTest, PagesTogetherAreAllQueries) {
  for (const char* name : {"e", "b", "d", "a", "c"}) ApplySeries(name, 1);
  v1::ListQueriesRequest request;
  for (int size = 1; size <= 6; ++size) {
    request.set_page_size(size);
    EXPECT_THAT(ListAll(request), ElementsAre("a 1", "b 1", "c 1", "d 1", "e 1")) << size;
  }
  SeriesPageLimits limits;
  limits.bytes_max = 1;
  EXPECT_EQ(ListAll({}, limits).size(), 5u);
}

TEST_F(ListQueriesTest, SayWhyTheirSourceRefusesThemUntilItAnswers) {
  Apply(Refused("q", 10, "bad"), Refused("r", 10, "worse"));
  const auto refused = ListQueries(tables_, {});
  ASSERT_EQ(refused->queries_size(), 2);
  EXPECT_EQ(refused->queries(0).error(), "bad");
  EXPECT_EQ(refused->queries(0).error_time().nanos(), 10'000'000);
  Apply(Refused("q", 30, ""), Refused("q", 20, "late"));
  const auto answered = ListQueries(tables_, {});
  EXPECT_EQ(answered->queries(0).error(), "");
  EXPECT_FALSE(answered->queries(0).has_error_time());
  EXPECT_EQ(answered->queries(1).error(), "worse");
}

TEST_F(ListQueriesTest, TellAFilteredReaderThatTheyAreRefusedAndNotWhy) {
  ApplySeries("q", 1);
  Apply(Refused("q", 10, "many matches for {team=\"b\"}"));
  const auto refused = ListQueries(tables_, {}, {}, *ParseMatchers("i=~\".+\""));
  ASSERT_EQ(refused->queries_size(), 1);
  EXPECT_EQ(refused->queries(0).error(), "the text is not shown to readers with a filter");
  EXPECT_EQ(refused->queries(0).error_time().nanos(), 10'000'000);
}

TEST_F(ListQueriesTest, TheTimeOfAnErrorIsThatOfItsLastRepetition) {
  Apply(Refused("q", 10, "bad"));
  Apply(Refused("q", 20, "bad"));
  EXPECT_EQ(ListQueries(tables_, {})->queries(0).error_time().nanos(), 20'000'000);
}

TEST_F(ListQueriesTest, BadArgumentsAreNamed) {
  v1::ListQueriesRequest request;
  request.set_page_size(-1);
  ExpectRefused(ListQueries(tables_, request), "INVALID_PAGE_SIZE", "page_size");
  request.Clear();
  request.set_page_token("nonsense");
  ExpectRefused(ListQueries(tables_, request), "INVALID_PAGE_TOKEN", "page_token");
}

TEST_F(ListQueriesTest, OfAFilteredReaderPagesTogetherAreWhatItSees) {
  for (const char* name : {"e", "b", "d", "a", "c"}) ApplySeries(name, 3);
  Apply(Samples("f", {{"i", "9"}}, {{10, 1}}));
  const Matchers scope = *ParseMatchers("i=~\"[12]\"");
  v1::ListQueriesRequest request;
  for (const size_t scanned_max : {size_t{1}, size_t{4}, size_t{1000}}) {
    SeriesPageLimits limits;
    limits.series_scanned_max = scanned_max;
    for (int size = 1; size <= 6; ++size) {
      request.set_page_size(size);
      EXPECT_THAT(ListAll(request, limits, scope), ElementsAre("a 2", "b 2", "c 2", "d 2", "e 2"))
          << size << " of " << scanned_max;
    }
  }
}

TEST_F(ListQueriesTest, APageOfAFilteredReaderLooksAtNoMoreThanItMay) {
  for (const char* name : {"a", "b", "c"}) ApplySeries(name, 2);
  SeriesPageLimits limits;
  limits.series_scanned_max = 2;
  v1::ListQueriesRequest request;
  request.set_page_size(1);
  // Those that have nothing to show end a page as well: it goes on.
  const auto page = ListQueries(tables_, request, limits, *ParseMatchers("i=9"));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->queries_size(), 0);
  EXPECT_NE(page->next_page_token(), "");
}

TEST_F(ListQueriesTest, SelectsByName) {
  ApplySeries("p", 1);
  ApplySeries("q", 1);
  v1::ListQueriesRequest request;
  request.set_query_name("q");
  EXPECT_THAT(ListAll(request), ElementsAre("q 1"));
}

}  // namespace
}  // namespace alertjoin
