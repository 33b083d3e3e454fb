#include "correlator-service/subscribe/sample_stream_codec.h"

#include <gtest/gtest.h>

#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

void ExpectRefused(const v1::SubscribeSamplesRequest& request, const std::string& reason,
                   const std::string& field) {
  const auto decoded = DecodeSubscribeRequest(request);
  ASSERT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument));
  const auto detail = DetailOf(decoded.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, reason);
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, field);
}

TEST(SampleStreamCodec, AnEmptyRequestIsAllSeriesOfTheLastMinutes) {
  const auto decoded = DecodeSubscribeRequest(v1::SubscribeSamplesRequest());
  ASSERT_THAT(decoded, IsOk());
  EXPECT_TRUE(decoded->arguments.series.MatchesAll());
  EXPECT_FALSE(decoded->arguments.live_only);
  EXPECT_EQ(decoded->arguments.snapshot_window, std::chrono::minutes(5));
  EXPECT_EQ(decoded->progress_interval, std::chrono::seconds(5));
}

TEST(SampleStreamCodec, BadArgumentsAreNamed) {
  v1::SubscribeSamplesRequest request;
  request.mutable_series()->set_filter("i==");
  ExpectRefused(request, "INVALID_FILTER", "series.filter");
  request.Clear();
  request.set_start(static_cast<v1::SubscriptionStart>(77));
  ExpectRefused(request, "INVALID_START", "start");
  request.Clear();
  request.mutable_snapshot_window()->set_seconds(-1);
  ExpectRefused(request, "INVALID_SNAPSHOT_WINDOW", "snapshot_window");
  request.Clear();
  request.mutable_progress_interval()->set_nanos(-2'000'000'000);
  ExpectRefused(request, "INVALID_PROGRESS_INTERVAL", "progress_interval");
}

TEST(SampleStreamCodec, SamplesOfOneSeriesComeTogetherInTheirOrder) {
  const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
  const auto key = [&](const char* label) {
    return std::make_shared<const SeriesKey>(SeriesKey{query, LabelSet{{"i", label}}});
  };
  auto round = std::make_shared<SampleRound>();
  SampleBatch batch;
  batch.series = SeriesTable{key("1"), key("2")};
  batch.series_index = {0, 1, 0};
  for (const int64_t ms : {1000, 2000, 3000}) batch.times.push_back(Timestamp::FromMillis(ms));
  batch.values = {1.5, StaleMarker(), 2.5};
  round->batches.push_back(batch);
  SubscriptionMessage message;
  message.body = SamplesMessage{{{round, {{0, 0}, {0, 1}, {0, 2}}}}};
  message.resume_token = "token";
  v1::SubscribeSamplesResponse response;
  EncodeSampleMessage(message, &response);
  EXPECT_EQ(response.resume_token(), "token");
  ASSERT_EQ(response.samples().series_size(), 2);
  const v1::SeriesSamples& first = response.samples().series(0);
  EXPECT_EQ(first.series().labels().at("i"), "1");
  EXPECT_EQ(first.series().query().name(), "q");
  ASSERT_EQ(first.samples_size(), 2);
  EXPECT_EQ(first.samples(1).time().seconds(), 3);
  EXPECT_EQ(first.samples(1).value(), 2.5);
  EXPECT_FALSE(response.samples().series(1).samples(0).has_value());
}

}  // namespace
}  // namespace alertjoin
