#include "ingest-service/uplink/uplink_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/event/event_decoder.h"
#include "common/eventlog/memory_event_log.h"
#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

Event Alert(const std::string& fingerprint, size_t padding_bytes = 0) {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = fingerprint;
  event.generator_url = std::string(padding_bytes, 'x');
  return event;
}

Event Sample() {
  auto query = std::make_shared<Query>(Query{"prom", "up", "up", TimeKind::kSample});
  SampleBatch batch;
  batch.series.push_back(std::make_shared<SeriesKey>(SeriesKey{query, {{"job", "a"}}}));
  batch.series_index = {0};
  batch.times = {Timestamp::FromMillis(1)};
  batch.values = {1};
  return batch;
}

constexpr Timestamp kNow = Timestamp::FromMillis(1'772'000'000'000);

class UplinkSessionTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(spool_.BeginEpoch(kNow), IsOk()); }
  void Append(const Event& event) { ASSERT_THAT(spool_.Append(std::vector<Event>{event}), IsOk()); }
  void AppendAlerts(int count) {
    for (int i = 0; i < count; ++i) Append(Alert("f"));
  }
  absl::StatusOr<UplinkSession::News> Welcome(uint64_t durable, const std::string& store = "s",
                                              uint32_t window = 1000) {
    v1::PushEventsResponse response;
    response.mutable_welcome()->set_durable_sequence(durable);
    response.mutable_welcome()->set_store_id(store);
    response.mutable_welcome()->set_window_events_max(window);
    return session_.OnResponse(response);
  }
  absl::StatusOr<UplinkSession::News> Ack(uint64_t durable) {
    v1::PushEventsResponse response;
    response.mutable_ack()->set_durable_sequence(durable);
    return session_.OnResponse(response);
  }
  // "base:count" of the next batch, "" when there is none.
  std::string Next() {
    batch_.Clear();
    const auto any = session_.NextBatch(&batch_);
    EXPECT_THAT(any, IsOk());
    if (!any.value_or(false)) return "";
    return std::to_string(batch_.base_sequence()) + ":" + std::to_string(batch_.events_size());
  }
  void Open(uint64_t durable = 0) {
    session_.Connect();
    ASSERT_THAT(Welcome(durable), IsOk());
  }

  MemoryEventLog log_{64 << 20};
  Spool spool_{log_, 64 << 20};
  UplinkSession session_{spool_, {"ingest-1", "1.0"}};
  v1::EventBatch batch_;
};

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

TEST_F(UplinkSessionTest, DropOfWhatComesNextEndsTheStream) {
  AppendAlerts(10);
  Open();
  ASSERT_THAT(spool_.DropBefore(LogPosition(6)), IsOk());
  const auto any = session_.NextBatch(&batch_);
  EXPECT_THAT(any, StatusIs(absl::StatusCode::kOutOfRange, "dropped event 1 before it was sent"));
  EXPECT_TRUE(UplinkSession::HasMetDrop(any.status()));
  EXPECT_EQ(batch_.events_size(), 0);
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
  EXPECT_TRUE(UplinkSession::HasMetDrop(session_.NextBatch(&batch_).status()));
  EXPECT_EQ(batch_.events_size(), 0);
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

TEST_F(UplinkSessionTest, SameStoreIsNoNews) {
  Open();
  session_.Connect();
  const auto news = Welcome(0);
  ASSERT_THAT(news, IsOk());
  EXPECT_FALSE(news->store_changed);
  EXPECT_EQ(news->missing_events, 0U);
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
  v1::EventBatch batch;
  EXPECT_THAT(session.NextBatch(&batch), StatusIs(absl::StatusCode::kDataLoss, "event 1"));
}

}  // namespace
}  // namespace alertjoin
