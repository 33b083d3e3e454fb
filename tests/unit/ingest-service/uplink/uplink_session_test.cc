#include "ingest-service/uplink/uplink_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/event/event_decoder.h"
#include "tests/support/seed.h"
#include "tests/unit/common/event/random_event.h"
#include "tests/unit/ingest-service/uplink/uplink_session_fixture.h"

namespace alertjoin {
namespace {

Event Sample() {
  auto query = std::make_shared<Query>(Query{"prom", "up", "up", TimeKind::kSample});
  SampleBatch batch;
  batch.series.push_back(std::make_shared<SeriesKey>(SeriesKey{query, {{"job", "a"}}}));
  batch.series_index = {0};
  batch.times = {Timestamp::FromMillis(1)};
  batch.values = {1};
  return batch;
}

TEST_F(UplinkSessionTest, AllKindsOfEventsComeThroughAStreamUnchanged) {
  RandomEvents events(TestSeed());
  Open();
  EventDecoder decoder(1 << 20);
  for (int i = 0; i < 300; ++i) {
    const Event event = events.Next();
    Append(event);
    ASSERT_EQ(Next(), std::to_string(i + 1) + ":1");
    const auto decoded = decoder.Decode(batch_.events(0));
    ASSERT_THAT(decoded, IsOk());
    ASSERT_EQ(Describe(*decoded), Describe(event));
    ASSERT_THAT(Ack(static_cast<uint64_t>(i) + 1), IsOk());
  }
}

TEST_F(UplinkSessionTest, OneBatchTakesEverythingThatWaits) {
  Open();
  EXPECT_EQ(Next(), "");
  AppendAlerts(3);
  EXPECT_EQ(Next(), "1:3");
  EXPECT_EQ(Next(), "");
  AppendAlerts(1);
  EXPECT_EQ(Next(), "4:1");
}

TEST_F(UplinkSessionTest, BatchEndsAtItsByteLimit) {
  for (int i = 0; i < 4; ++i) Append(Alert("f", 1 << 20));
  Open();
  EXPECT_EQ(Next(), "1:2");
  EXPECT_LE(batch_.ByteSizeLong(), kBatchBytesMax);
  EXPECT_EQ(Next(), "3:2");
}

TEST_F(UplinkSessionTest, BatchEndsAtItsEventLimit) {
  AppendAlerts(static_cast<int>(kBatchEventsMax) + 1);
  session_.Connect();
  ASSERT_THAT(Welcome(0, "s", 1'000'000), IsOk());
  EXPECT_EQ(Next(), "1:10000");
  EXPECT_EQ(Next(), "10001:1");
}

TEST_F(UplinkSessionTest, WindowBoundsWhatIsOnItsWay) {
  AppendAlerts(10);
  session_.Connect();
  ASSERT_THAT(Welcome(0, "s", 4), IsOk());
  EXPECT_EQ(Next(), "1:4");
  EXPECT_EQ(Next(), "");
  ASSERT_THAT(Ack(1), IsOk());
  EXPECT_EQ(Next(), "5:1");
  EXPECT_EQ(Next(), "");
  ASSERT_THAT(Ack(5), IsOk());
  EXPECT_EQ(Next(), "6:4");
}

TEST_F(UplinkSessionTest, AckTrimsTheSpool) {
  AppendAlerts(3);
  Open();
  Next();
  const auto news = Ack(2);
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->acked_events, 2U);
  EXPECT_EQ(spool_.acknowledged(), LogPosition(2));
  EXPECT_EQ(Ack(2)->acked_events, 0U);
  EXPECT_EQ(Ack(1)->acked_events, 0U);
  EXPECT_EQ(spool_.acknowledged(), LogPosition(2));
  EXPECT_EQ(Ack(3)->acked_events, 1U);
  EXPECT_EQ(spool_.bounds().first, LogPosition(4));
}

TEST_F(UplinkSessionTest, WhatAnEarlierStreamBroughtThroughIsNotSentAgain) {
  AppendAlerts(5);
  Open();
  EXPECT_EQ(Next(), "1:5");
  Open(0);  // A new stream; the five are still in the correlator's pipeline.
  ASSERT_THAT(Ack(4), IsOk());
  EXPECT_EQ(Next(), "5:1");
}

TEST_F(UplinkSessionTest, NewStreamSendsAgainWhatIsNotAcknowledged) {
  AppendAlerts(5);
  Open();
  EXPECT_EQ(Next(), "1:5");
  ASSERT_THAT(Ack(2), IsOk());
  session_.Connect();
  EXPECT_EQ(Next(), "");
  ASSERT_THAT(Welcome(2), IsOk());
  EXPECT_EQ(Next(), "3:3");
}

TEST_F(UplinkSessionTest, EachStreamDefinesItsSeriesAnew) {
  Append(Sample());
  Append(Sample());
  Open();
  ASSERT_EQ(Next(), "1:2");
  EXPECT_EQ(batch_.events(0).samples().series_size(), 1);
  EXPECT_EQ(batch_.events(1).samples().series_size(), 0);
  Open();
  ASSERT_EQ(Next(), "1:2");
  EXPECT_EQ(batch_.events(0).samples().series_size(), 1);
  EventDecoder decoder(10);
  EXPECT_THAT(decoder.Decode(batch_.events(0)), IsOk());
  EXPECT_THAT(decoder.Decode(batch_.events(1)), IsOk());
}

TEST_F(UplinkSessionTest, ClaimOfMoreThanWasHeldEndsTheStreamAndForgetsNothing) {
  AppendAlerts(2);
  session_.Connect();
  const absl::Status claim = Welcome(3).status();
  EXPECT_THAT(claim, StatusIs(absl::StatusCode::kFailedPrecondition, "acknowledges event 3"));
  EXPECT_TRUE(UplinkSession::NeedsNewLogId(claim));
  Open();
  EXPECT_THAT(Ack(7), StatusIs(absl::StatusCode::kFailedPrecondition, "acknowledges event 7"));
  EXPECT_EQ(spool_.acknowledged(), LogPosition(0));
  EXPECT_EQ(spool_.bounds().first, LogPosition(1));
}

TEST_F(UplinkSessionTest, BreachOfTheProtocolEndsTheStream) {
  session_.Connect();
  EXPECT_THAT(Ack(0), StatusIs(absl::StatusCode::kInternal, "welcome"));
  Open();
  EXPECT_THAT(Welcome(0), StatusIs(absl::StatusCode::kInternal, "second welcome"));
  session_.Connect();
  EXPECT_THAT(Welcome(0, "s", 0), StatusIs(absl::StatusCode::kInternal, "window"));
}

TEST_F(UplinkSessionTest, HeartbeatAndUnknownAnswersAreNoNews) {
  Open();
  v1::PushEventsResponse heartbeat;
  heartbeat.mutable_heartbeat();
  EXPECT_THAT(session_.OnResponse(heartbeat), IsOk());
  EXPECT_THAT(session_.OnResponse(v1::PushEventsResponse()), IsOk());
}

TEST(UplinkSession, DamagedRecordIsDataLossNamingItsSequence) {
  MemoryEventLog log(1 << 20);
  ASSERT_THAT(log.Append(std::vector<std::string>{"\x01garbage"}), IsOk());
  Spool spool(log, 1 << 20);
  ASSERT_THAT(spool.BeginEpoch(kNow), IsOk());
  UplinkSession session(spool, {"p", ""});
  session.Connect();
  v1::PushEventsResponse response;
  response.mutable_welcome()->set_window_events_max(10);
  ASSERT_THAT(session.OnResponse(response), IsOk());
  EXPECT_THAT(session.NextBatch(), StatusIs(absl::StatusCode::kDataLoss, "event 1"));
}

}  // namespace
}  // namespace alertjoin
