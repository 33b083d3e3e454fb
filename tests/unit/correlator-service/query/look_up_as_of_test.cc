#include "correlator-service/query/look_up_as_of.h"

#include "tests/unit/correlator-service/query/tables_fixture.h"

namespace alertjoin {
namespace {

class LookUpAsOfTest : public TablesTest {
 protected:
  static v1::LookUpAsOfRequest Ask(const std::string& query, int64_t ms) {
    v1::LookUpAsOfRequest request;
    *request.mutable_series() = Of(query);
    *request.mutable_time() = EncodeTime(At(ms));
    return request;
  }
  v1::AsOfResult Only(const v1::LookUpAsOfRequest& request) {
    const auto response = LookUpAsOf(tables_, request, At(1000));
    EXPECT_THAT(response, IsOk());
    if (!response.ok() || response->results_size() != 1) {
      ADD_FAILURE() << "not one result";
      return {};
    }
    return response->results(0);
  }
};

TEST_F(LookUpAsOfTest, FindsTheNewestSampleAtOrBefore) {
  Apply(Samples("q", {{"i", "1"}}, {{10, 1}, {20, 2}}));
  const v1::AsOfResult result = Only(Ask("q", 20));
  EXPECT_EQ(NameOf(result.series()), "q{i=\"1\"}");
  EXPECT_EQ(result.match().state(), v1::MATCH_STATE_MATCHED);
  EXPECT_EQ(result.match().value(), 2);
  EXPECT_EQ(result.match().sample_time().nanos(), 20'000'000);
  EXPECT_EQ(result.match().series_labels_size(), 0);
  EXPECT_EQ(Only(Ask("q", 19)).match().value(), 1);
  EXPECT_EQ(Only(Ask("q", 9)).match().state(), v1::MATCH_STATE_NO_SAMPLE);
}

TEST_F(LookUpAsOfTest, StrictToleranceAndFirstAfterAreThoseOfTheJoin) {
  Apply(Samples("q", {{"i", "1"}}, {{10, 1}, {20, 2}, {30, 3}}));
  v1::LookUpAsOfRequest request = Ask("q", 20);
  request.set_strict(true);
  request.set_first_after(true);
  const v1::AsOfResult result = Only(request);
  EXPECT_EQ(result.match().value(), 1);
  EXPECT_EQ(result.match().next_value(), 3);
  request.mutable_tolerance()->set_nanos(9'000'000);
  EXPECT_EQ(Only(request).match().state(), v1::MATCH_STATE_TOO_OLD);
  request.mutable_tolerance()->set_nanos(10'000'000);
  EXPECT_EQ(Only(request).match().state(), v1::MATCH_STATE_MATCHED);
}

TEST_F(LookUpAsOfTest, IsFinalOnceProgressCoversIt) {
  Apply(Samples("q", {{"i", "1"}}, {{10, 1}}));
  EXPECT_FALSE(Only(Ask("q", 20)).final());
  Apply(Covered("q", 10, 20));
  EXPECT_TRUE(Only(Ask("q", 20)).final());
  EXPECT_FALSE(Only(Ask("q", 21)).final());
}

TEST_F(LookUpAsOfTest, TheTimeIsNowByDefaultOnAllPages) {
  ApplySeries("q", 3);
  v1::LookUpAsOfRequest request;
  *request.mutable_series() = Of("q");
  request.set_page_size(2);
  const auto first = LookUpAsOf(tables_, request, At(15));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->results_size(), 2);
  EXPECT_EQ(first->results(0).match().value(), 1);
  request.set_page_token(first->next_page_token());
  const auto second = LookUpAsOf(tables_, request, At(100));
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->results_size(), 1);
  EXPECT_EQ(second->results(0).match().value(), 3);
  EXPECT_EQ(second->time().nanos(), 15'000'000);
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(LookUpAsOfTest, BadArgumentsAreNamed) {
  ExpectRefused(LookUpAsOf(tables_, {}, At(0)), "INVALID_SERIES_SELECTOR", "series");
  v1::LookUpAsOfRequest request = Ask("q", 1);
  request.mutable_tolerance()->set_seconds(-1);
  ExpectRefused(LookUpAsOf(tables_, request, At(0)), "INVALID_TOLERANCE", "tolerance");
  request = Ask("q", 1);
  request.mutable_time()->set_nanos(-1);
  ExpectRefused(LookUpAsOf(tables_, request, At(0)), "INVALID_TIME", "time");
}

}  // namespace
}  // namespace alertjoin
