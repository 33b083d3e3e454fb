// How a stream begins: what the hello says, and what the welcome changes.

#include <gtest/gtest.h>

#include <optional>

#include "common/status/status.h"
#include "tests/unit/ingest-service/uplink/uplink_session_fixture.h"

namespace alertjoin {
namespace {

TEST_F(UplinkSessionTest, HelloSaysWhoAndWhatIsHeld) {
  AppendAlerts(2);
  ASSERT_THAT(spool_.Acknowledge(LogPosition(2)), IsOk());
  AppendAlerts(3);
  const v1::Hello hello = session_.Connect();
  EXPECT_EQ(hello.producer_id(), "ingest-1");
  EXPECT_EQ(hello.epoch(), 1'772'000'000'000'000U);
  EXPECT_EQ(hello.version(), "1.0");
  EXPECT_EQ(hello.log_id(), log_.id());
  EXPECT_EQ(hello.first_sequence(), 3U);
  EXPECT_EQ(hello.next_sequence(), 6U);
  EXPECT_EQ(hello.start_sequence(), 1U);
}

TEST_F(UplinkSessionTest, HelloOfALaterProcessSaysWhatItFound) {
  AppendAlerts(2);
  Spool spool(log_, 64 << 20);
  ASSERT_THAT(spool.BeginEpoch(kNow), IsOk());
  AppendAlerts(3);
  const v1::Hello hello = UplinkSession(spool, {"ingest-1", "1.0"}).Connect();
  EXPECT_GT(hello.epoch(), session_.Connect().epoch());
  EXPECT_EQ(hello.log_id(), log_.id());
  EXPECT_EQ(hello.next_sequence(), 6U);
  EXPECT_EQ(hello.start_sequence(), 3U);
}

TEST_F(UplinkSessionTest, UnderANewLogIdEverythingThatIsHeldIsSent) {
  AppendAlerts(10);
  Open();
  ASSERT_EQ(Next(), "1:10");
  ASSERT_THAT(Ack(7), IsOk());
  ASSERT_THAT(spool_.DropBefore(LogPosition(4)), IsOk());
  ASSERT_THAT(spool_.Rename(), IsOk());
  const v1::Hello hello = session_.Connect();
  EXPECT_NE(hello.log_id(), log_.id());
  EXPECT_EQ(hello.first_sequence(), 4U);
  EXPECT_EQ(hello.next_sequence(), 11U);
  const auto news = Welcome(3);  // What the correlator says of a log that it does not know.
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 0U);
  EXPECT_EQ(news->acked_events, 0U);
  EXPECT_EQ(Next(), "4:7");
  EXPECT_EQ(Ack(6)->acked_events, 0U);
  EXPECT_EQ(spool_.bounds().first, LogPosition(4));
  EXPECT_EQ(Ack(10)->acked_events, 3U);
  EXPECT_EQ(spool_.waiting(), 0U);
}

TEST_F(UplinkSessionTest, RefusalsThatConcernTheLogIdNeedANewOne) {
  const absl::Status error = absl::FailedPreconditionError("");
  EXPECT_TRUE(UplinkSession::NeedsNewLogId(WithReason(error, "SEQUENCE_REWOUND")));
  EXPECT_TRUE(UplinkSession::NeedsNewLogId(WithReason(error, "FENCED")));
  EXPECT_FALSE(UplinkSession::NeedsNewLogId(WithReason(error, "SEQUENCE_HOLE")));
  EXPECT_FALSE(UplinkSession::NeedsNewLogId(error));
  EXPECT_FALSE(UplinkSession::NeedsNewLogId(absl::OkStatus()));
}

TEST_F(UplinkSessionTest, NothingIsSentBeforeTheWelcome) {
  AppendAlerts(1);
  session_.Connect();
  EXPECT_EQ(Next(), "");
  ASSERT_THAT(Welcome(0), IsOk());
  EXPECT_EQ(Next(), "1:1");
}

TEST_F(UplinkSessionTest, StartsBehindWhatIsDurableAndAcknowledgesIt) {
  AppendAlerts(5);
  session_.Connect();
  const auto news = Welcome(3);
  ASSERT_THAT(news, IsOk());
  EXPECT_TRUE(news->welcomed);
  EXPECT_EQ(news->acked_events, 3U);
  EXPECT_EQ(spool_.acknowledged(), LogPosition(3));
  EXPECT_EQ(Next(), "4:2");
}

TEST_F(UplinkSessionTest, AWelcomeMayTellHowLongSamplesAreKept) {
  session_.Connect();
  v1::PushEventsResponse response;
  response.mutable_welcome()->set_store_id("s");
  response.mutable_welcome()->set_window_events_max(1000);
  EXPECT_EQ(session_.OnResponse(response)->sample_retention, std::nullopt);
  session_.Connect();
  response.mutable_welcome()->mutable_sample_retention()->set_seconds(3600);
  EXPECT_EQ(session_.OnResponse(response)->sample_retention, std::chrono::hours(1));
}

TEST_F(UplinkSessionTest, AWelcomeMayTellHowOftenThereIsASignOfLife) {
  session_.Connect();
  v1::PushEventsResponse response;
  response.mutable_welcome()->set_store_id("s");
  response.mutable_welcome()->set_window_events_max(1000);
  EXPECT_EQ(session_.OnResponse(response)->heartbeat_interval, std::nullopt);
  session_.Connect();
  response.mutable_welcome()->mutable_heartbeat_interval()->set_nanos(500'000'000);
  EXPECT_EQ(session_.OnResponse(response)->heartbeat_interval, Millis(500));
}

TEST_F(UplinkSessionTest, SameStoreIsNoNews) {
  Open();
  session_.Connect();
  const auto news = Welcome(0);
  ASSERT_THAT(news, IsOk());
  EXPECT_FALSE(news->store_changed);
  EXPECT_EQ(news->missing_events, 0U);
}

TEST_F(UplinkSessionTest, CorrelatorThatLostItsStoreGetsWhatIsStillHeld) {
  AppendAlerts(3);
  Open();
  Next();
  ASSERT_THAT(Ack(3), IsOk());
  AppendAlerts(2);
  session_.Connect();
  const auto news = Welcome(1, "another store");
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 2U);
  EXPECT_TRUE(news->store_changed);
  EXPECT_EQ(Next(), "4:2");
}

TEST_F(UplinkSessionTest, WhatWasAcknowledgedButNotTrimmedYetIsSentAgainWhenItIsAskedFor) {
  AppendAlerts(5);
  Open();
  Next();
  ASSERT_THAT(Ack(3), IsOk());
  session_.Connect();
  const auto news = Welcome(1, "another store");
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 0U);
  EXPECT_EQ(Next(), "2:4");
}

}  // namespace
}  // namespace alertjoin
