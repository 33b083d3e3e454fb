// Events that the spool drops while a stream is open.

#include <gtest/gtest.h>

#include "tests/unit/ingest-service/uplink/uplink_session_fixture.h"

namespace alertjoin {
namespace {

TEST_F(UplinkSessionTest, DropOfWhatComesNextEndsTheStream) {
  AppendAlerts(10);
  Open();
  ASSERT_THAT(spool_.DropBefore(LogPosition(6)), IsOk());
  const auto next = session_.NextBatch();
  EXPECT_THAT(next, StatusIs(absl::StatusCode::kOutOfRange, "dropped event 1 before it was sent"));
  EXPECT_TRUE(UplinkSession::HasMetDrop(next.status()));
  const v1::Hello hello = session_.Connect();
  EXPECT_EQ(hello.first_sequence(), 6u);
  // The correlator goes on behind what it can never get.
  const auto news = Welcome(5);
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 0u);
  EXPECT_EQ(news->acked_events, 0u);
  EXPECT_EQ(Next(), "6:5");
}

TEST_F(UplinkSessionTest, DropOfWhatWasSentAlreadyChangesNothing) {
  AppendAlerts(10);
  session_.Connect();
  ASSERT_THAT(Welcome(0, "s", 7), IsOk());
  ASSERT_EQ(Next(), "1:7");
  ASSERT_THAT(spool_.DropBefore(LogPosition(6)), IsOk());
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Ack(3)->acked_events, 0u);  // Counted as dropped.
  EXPECT_EQ(Next(), "8:3");
  EXPECT_EQ(Ack(10)->acked_events, 5u);
  EXPECT_EQ(spool_.waiting(), 0u);
}

TEST_F(UplinkSessionTest, DropBetweenHelloAndWelcomeIsMetToo) {
  AppendAlerts(10);
  session_.Connect();
  ASSERT_THAT(spool_.DropBefore(LogPosition(6)), IsOk());
  const auto news = Welcome(0);
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 0u);
  // Event 6 now would be a hole to the correlator, which was told of event 1.
  EXPECT_TRUE(UplinkSession::HasMetDrop(session_.NextBatch().status()));
}

TEST_F(UplinkSessionTest, DroppedEventsInTheCorrelatorsPipelineAreNotMissing) {
  AppendAlerts(10);
  Open();
  ASSERT_EQ(Next(), "1:10");
  ASSERT_THAT(Ack(2), IsOk());
  ASSERT_THAT(spool_.DropBefore(LogPosition(6)), IsOk());
  session_.Connect();
  const auto news = Welcome(2);  // It has accepted ten, and applied two.
  ASSERT_THAT(news, IsOk());
  EXPECT_EQ(news->missing_events, 0u);
  EXPECT_EQ(Next(), "6:5");
}

TEST_F(UplinkSessionTest, OtherErrorsAreNoDrops) {
  EXPECT_FALSE(UplinkSession::HasMetDrop(absl::OkStatus()));
  EXPECT_FALSE(UplinkSession::HasMetDrop(absl::OutOfRangeError("a hole")));
}

}  // namespace
}  // namespace alertjoin
