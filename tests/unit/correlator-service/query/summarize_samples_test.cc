#include "correlator-service/query/summarize_samples.h"

#include <cmath>
#include <limits>

#include "correlator-service/query/wanted_tables.h"
#include "tests/unit/correlator-service/query/tables_fixture.h"

namespace alertjoin {
namespace {

class SummarizeSamplesTest : public TablesTest {
 protected:
  static v1::SummarizeSamplesRequest Ask(const std::string& query, int64_t from, int64_t to) {
    v1::SummarizeSamplesRequest request;
    *request.mutable_series() = Of(query);
    *request.mutable_from() = EncodeTime(At(from));
    *request.mutable_to() = EncodeTime(At(to));
    return request;
  }
  v1::SampleSummary Only(const v1::SummarizeSamplesRequest& request) {
    const auto response = SummarizeSamples(tables_, request, At(0));
    EXPECT_THAT(response, IsOk());
    if (!response.ok() || response->summaries_size() != 1) {
      ADD_FAILURE() << "not one summary";
      return {};
    }
    return response->summaries(0);
  }
};

TEST_F(SummarizeSamplesTest, SumsUpTheRange) {
  Apply(Samples("q", {{"i", "1"}}, {{9, 100}, {10, 4}, {20, 1}, {30, 4}, {40, 100}}));
  v1::SummarizeSamplesRequest request = Ask("q", 10, 40);
  request.set_ema_alpha(0.5);
  const v1::SampleSummary summary = Only(request);
  ASSERT_EQ(summary.statistics_size(), 1);
  const v1::SampleStatistics& all = summary.statistics(0);
  EXPECT_EQ(all.count(), 3u);
  EXPECT_EQ(all.min(), 1);
  EXPECT_EQ(all.max(), 4);
  EXPECT_EQ(all.mean(), 3);
  EXPECT_EQ(all.last(), 4);
  EXPECT_EQ(all.last_time().nanos(), 30'000'000);
  EXPECT_EQ(all.ema(), 0.5 * 4 + 0.5 * (0.5 * 1 + 0.5 * 4));
  EXPECT_EQ(all.start().nanos(), 10'000'000);
  EXPECT_EQ(all.end().nanos(), 40'000'000);
}

TEST_F(SummarizeSamplesTest, EndsWhenNobodyWaitsForItAnyMore) {
  for (const char* const i : {"1", "2", "3"}) Apply(Samples("q", {{"i", i}}, {{10, 4}}));
  int asked = 0;
  WantedTables tables(
      tables_, [&asked] { return ++asked == 3 ? absl::CancelledError("gone") : absl::OkStatus(); });
  EXPECT_THAT(SummarizeSamples(tables, Ask("q", 0, 100), At(0)),
              StatusIs(absl::StatusCode::kCancelled, "gone"));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(tables_.turns, 2);
}

TEST_F(SummarizeSamplesTest, NanIsCountedApartAndStaleMarkersNotAtAll) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Apply(Samples("q", {{"i", "1"}}, {{10, nan}, {20, StaleMarker()}, {30, -2}}));
  const v1::SampleStatistics all = Only(Ask("q", 0, 100)).statistics(0);
  EXPECT_EQ(all.count(), 1u);
  EXPECT_EQ(all.nan_count(), 1u);
  EXPECT_EQ(all.max(), -2);
}

TEST_F(SummarizeSamplesTest, NanAloneHasNoFigures) {
  Apply(Samples("q", {{"i", "1"}}, {{10, std::numeric_limits<double>::quiet_NaN()}}));
  const v1::SampleStatistics all = Only(Ask("q", 0, 100)).statistics(0);
  EXPECT_EQ(all.count(), 0u);
  EXPECT_FALSE(all.has_min());
  EXPECT_FALSE(all.has_ema());
}

TEST_F(SummarizeSamplesTest, StepsBeginAtFromAndTheAverageRunsOn) {
  Apply(Samples("q", {{"i", "1"}}, {{1000, 1}, {1999, 2}, {2000, 3}, {4500, 5}}));
  v1::SummarizeSamplesRequest request = Ask("q", 1000, 5000);
  request.mutable_step()->set_seconds(1);
  request.set_ema_alpha(0.5);
  const v1::SampleSummary summary = Only(request);
  ASSERT_EQ(summary.statistics_size(), 3);
  EXPECT_EQ(summary.statistics(0).count(), 2u);
  EXPECT_EQ(summary.statistics(1).start().seconds(), 2);
  EXPECT_EQ(summary.statistics(1).count(), 1u);
  EXPECT_EQ(summary.statistics(1).ema(), 0.5 * 3 + 0.5 * 1.5);
  // The third step has no samples and is left out.
  EXPECT_EQ(summary.statistics(2).start().seconds(), 4);
  EXPECT_EQ(summary.statistics(2).ema(), 0.5 * 5 + 0.5 * 2.25);
}

TEST_F(SummarizeSamplesTest, LongSeriesAreReadInSeveralTurns) {
  SampleBatch batch = Samples("q", {{"i", "1"}}, {{0, 0}});
  for (int i = 1; i < 25'000; ++i) {
    batch.series_index.push_back(0);
    batch.times.push_back(At(i));
    batch.values.push_back(i);
  }
  Apply(std::move(batch));
  const v1::SampleStatistics all = Only(Ask("q", 0, 30'000)).statistics(0);
  EXPECT_EQ(all.count(), 25'000u);
  EXPECT_EQ(all.mean(), 24'999 / 2.0);
  EXPECT_GT(tables_.turns, 3);
}

TEST_F(SummarizeSamplesTest, AllPagesAreOfTheRangeOfTheFirst) {
  ApplySeries("q", 2);
  v1::SummarizeSamplesRequest request;
  *request.mutable_series() = Of("q");
  request.set_page_size(1);
  const auto first = SummarizeSamples(tables_, request, At(15));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->summaries(0).statistics(0).count(), 1u);
  request.set_page_token(first->next_page_token());
  const auto second = SummarizeSamples(tables_, request, At(100'000'000));
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->summaries_size(), 1);
  EXPECT_EQ(second->summaries(0).statistics(0).count(), 1u);
  EXPECT_EQ(second->to().nanos(), 15'000'000);
}

TEST_F(SummarizeSamplesTest, ElevenThousandStepsAreNotTooMany) {
  v1::SummarizeSamplesRequest request = Ask("q", 0, 11'000'000);
  request.mutable_step()->set_seconds(1);
  EXPECT_THAT(SummarizeSamples(tables_, request, At(0)), IsOk());
  *request.mutable_to() = EncodeTime(At(11'000'001));
  ExpectRefused(SummarizeSamples(tables_, request, At(0)), "INVALID_STEP", "step");
  *request.mutable_to() = request.from();  // None at all.
  EXPECT_THAT(SummarizeSamples(tables_, request, At(0)), IsOk());
}

TEST_F(SummarizeSamplesTest, BadArgumentsAreNamed) {
  ExpectRefused(SummarizeSamples(tables_, {}, At(0)), "INVALID_SERIES_SELECTOR", "series");
  v1::SummarizeSamplesRequest request = Ask("q", 0, 100'000'000);
  request.mutable_step()->set_seconds(1);
  ExpectRefused(SummarizeSamples(tables_, request, At(0)), "INVALID_STEP", "step");
  request.mutable_step()->set_seconds(0);
  ExpectRefused(SummarizeSamples(tables_, request, At(0)), "INVALID_STEP", "step");
  request.clear_step();
  for (const double alpha : {0.0, -1.0, 1.1, std::nan("")}) {
    request.set_ema_alpha(alpha);
    ExpectRefused(SummarizeSamples(tables_, request, At(0)), "INVALID_EMA_ALPHA", "ema_alpha");
  }
  request = Ask("q", 10, 0);
  ExpectRefused(SummarizeSamples(tables_, request, At(0)), "INVALID_TIME_RANGE", "from");
}

}  // namespace
}  // namespace alertjoin
