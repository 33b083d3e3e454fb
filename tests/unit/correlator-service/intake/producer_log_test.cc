#include "correlator-service/intake/producer_log.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/status/status.h"
#include "correlator-service/intake/producer_registry.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/intake/held_sink.h"

namespace alertjoin {
namespace {

using PushResult = ProducerLog::PushResult;

IntakeBatch Events(size_t count) {
  IntakeBatch batch;
  batch.events.resize(count);
  batch.durable = [] {};
  return batch;
}

class ProducerLogTest : public ::testing::Test {
 protected:
  absl::StatusOr<ProducerLog::Attached> Attach(uint64_t epoch, uint64_t first, uint64_t next) {
    return log_.Attach({epoch, first, next}, [this] { ++wakes_; });
  }
  // Of a producer whose log ended before `start` when its epoch began.
  static ProducerLog::Offer Started(uint64_t epoch, uint64_t start, uint64_t next) {
    return {epoch, 1, next, start};
  }
  // What a hello gets, "" when it is taken.
  static std::string RefusalOf(ProducerLog& log, const ProducerLog::Offer& offer) {
    const auto detail = DetailOf(log.Attach(offer, [] {}).status());
    return detail.has_value() ? detail->reason : "";
  }
  PushResult Push(ProducerLog::StreamId stream, uint64_t last, size_t count) {
    return log_.Push(stream, last, Events(count), sink_);
  }

  ProducerLog log_;
  HeldSink sink_;
  int wakes_ = 0;
};

TEST_F(ProducerLogTest, FirstContactStartsWhereTheProducerStarts) {
  const auto attached = Attach(1, 8, 20);
  ASSERT_THAT(attached, IsOk());
  EXPECT_EQ(attached->durable_sequence, 7U);
  EXPECT_EQ(attached->lost_events, 0U);
  EXPECT_EQ(log_.accepted(), 7U);
}

TEST_F(ProducerLogTest, PushAcceptsAndASyncMakesDurable) {
  const auto stream = Attach(1, 1, 5)->stream;
  EXPECT_EQ(Push(stream, 3, 3), PushResult::kPushed);
  EXPECT_EQ(log_.accepted(), 3U);
  EXPECT_EQ(log_.durable(), 0U);
  log_.MarkDurable(3);
  EXPECT_EQ(log_.durable(), 3U);
  log_.MarkDurable(2);
  EXPECT_EQ(log_.durable(), 3U);
}

TEST_F(ProducerLogTest, FullQueueChangesNothing) {
  const auto stream = Attach(1, 1, 5)->stream;
  sink_.full = true;
  EXPECT_EQ(Push(stream, 3, 3), PushResult::kQueueFull);
  EXPECT_EQ(log_.accepted(), 0U);
  sink_.full = false;
  EXPECT_EQ(Push(stream, 3, 3), PushResult::kPushed);
}

TEST_F(ProducerLogTest, HigherEpochFencesTheOlderStream) {
  const auto older = Attach(1, 1, 5)->stream;
  const auto newer = Attach(2, 1, 5);
  ASSERT_THAT(newer, IsOk());
  EXPECT_EQ(wakes_, 1);
  EXPECT_FALSE(log_.IsAttached(older));
  EXPECT_TRUE(log_.IsAttached(newer->stream));
  EXPECT_EQ(Push(older, 1, 1), PushResult::kFenced);
  EXPECT_TRUE(sink_.events.empty());
  log_.Detach(older);
  EXPECT_TRUE(log_.IsAttached(newer->stream));
}

// Another process may have brought what is durable by now: a fenced stream once acknowledged it.
TEST_F(ProducerLogTest, AFencedStreamHasNothingToAcknowledge) {
  const auto older = Attach(1, 1, 5)->stream;
  ASSERT_EQ(Push(older, 2, 2), PushResult::kPushed);
  log_.MarkDurable(2);
  EXPECT_EQ(log_.DurableFor(older), 2U);
  const auto newer = Attach(2, 1, 5)->stream;
  log_.MarkDurable(3);
  EXPECT_EQ(log_.DurableFor(older), std::nullopt);
  EXPECT_EQ(log_.DurableFor(newer), 3U);
}

TEST_F(ProducerLogTest, WhoIsReplacedWithinItsEpochIsNotRefused) {
  const auto first = Attach(1, 1, 5)->stream;
  EXPECT_FALSE(log_.WasReplaced(first));
  const auto second = Attach(1, 1, 5)->stream;
  const auto third = Attach(1, 1, 5)->stream;
  EXPECT_TRUE(log_.WasReplaced(first));
  EXPECT_TRUE(log_.WasReplaced(second));
  EXPECT_FALSE(log_.WasReplaced(third));
  const auto other = Attach(2, 1, 5)->stream;
  EXPECT_FALSE(log_.WasReplaced(third));
  EXPECT_FALSE(log_.WasReplaced(other));
}

TEST_F(ProducerLogTest, SameEpochTakesOverAsAReconnectDoes) {
  const auto older = Attach(1, 1, 5)->stream;
  ASSERT_THAT(Attach(1, 1, 5), IsOk());
  EXPECT_FALSE(log_.IsAttached(older));
}

TEST_F(ProducerLogTest, LowerEpochIsRefusedEvenWhenTheHigherIsGone) {
  const auto newer = Attach(2, 1, 5)->stream;
  const auto refused = Attach(1, 1, 5);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition, "epoch 1 is fenced"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "FENCED");
  EXPECT_TRUE(log_.IsAttached(newer));
  log_.Detach(newer);
  EXPECT_THAT(Attach(1, 1, 5), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ProducerLogTest, NextStreamGoesOnWhereTheLastOneEnded) {
  const auto first = Attach(1, 1, 5)->stream;
  ASSERT_EQ(Push(first, 4, 4), PushResult::kPushed);
  log_.MarkDurable(2);
  log_.Detach(first);
  const auto second = Attach(1, 1, 5);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->durable_sequence, 2U);
  EXPECT_EQ(log_.accepted(), 4U);
  log_.MarkDurable(4);
  EXPECT_EQ(log_.durable(), 4U);
}

TEST_F(ProducerLogTest, ProducerThatDroppedEventsGoesOnAndSaysHowMany) {
  const auto first = Attach(1, 1, 5)->stream;
  ASSERT_EQ(Push(first, 4, 4), PushResult::kPushed);
  log_.Detach(first);
  const auto second = Attach(1, 11, 20);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->durable_sequence, 10U);
  EXPECT_EQ(second->lost_events, 6U);
  log_.MarkDurable(4);
  EXPECT_EQ(log_.durable(), 10U);
}

TEST_F(ProducerLogTest, LogThatWentBackwardsIsRefused) {
  const auto first = Attach(1, 1, 10)->stream;
  ASSERT_EQ(Push(first, 9, 9), PushResult::kPushed);
  const auto refused = Attach(2, 1, 9);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition, "new log_id"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "SEQUENCE_REWOUND");
  EXPECT_TRUE(log_.IsAttached(first));
  EXPECT_THAT(Attach(2, 1, 10), IsOk());
}

// Events 101 to 150 of such a log were once taken for those that the correlator had.
TEST_F(ProducerLogTest, LogThatWentBackwardsIsRefusedAlsoWhenItHasGrownBeyondWhatWasAccepted) {
  const auto first = log_.Attach(Started(1, 1, 151), [this] { ++wakes_; })->stream;
  ASSERT_EQ(Push(first, 150, 150), PushResult::kPushed);
  const auto refused = log_.Attach(Started(2, 101, 200), [] {});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition, "new log_id"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "SEQUENCE_REWOUND");
  EXPECT_EQ(RefusalOf(log_, Started(2, 150, 200)), "SEQUENCE_REWOUND");
  // It has changed nothing, and fenced nobody.
  EXPECT_TRUE(log_.IsAttached(first));
  EXPECT_EQ(wakes_, 0);
  EXPECT_EQ(Push(first, 151, 1), PushResult::kPushed);
  EXPECT_EQ(RefusalOf(log_, Started(1, 1, 152)), "");
}

TEST_F(ProducerLogTest, RestartThatHasLostNothingGoesOn) {
  const auto first = log_.Attach(Started(1, 1, 151), [] {})->stream;
  ASSERT_EQ(Push(first, 150, 150), PushResult::kPushed);
  EXPECT_EQ(RefusalOf(log_, Started(2, 151, 200)), "");
}

TEST_F(ProducerLogTest, ReconnectOfTheSameEpochMayHaveSentMoreThanItStartedWith) {
  const auto first = log_.Attach(Started(7, 101, 151), [] {})->stream;
  ASSERT_EQ(Push(first, 150, 150), PushResult::kPushed);
  log_.Detach(first);
  EXPECT_EQ(RefusalOf(log_, Started(7, 101, 200)), "");
}

TEST_F(ProducerLogTest, ProducerThatDoesNotTellItsStartIsTakenAsEver) {
  const auto first = Attach(1, 1, 151)->stream;
  ASSERT_EQ(Push(first, 150, 150), PushResult::kPushed);
  EXPECT_EQ(RefusalOf(log_, Started(2, 0, 200)), "");
}

TEST_F(ProducerLogTest, LogThatWentBackwardsWithItsClockIsToldSo) {
  const auto first = log_.Attach(Started(9, 1, 151), [] {})->stream;
  ASSERT_EQ(Push(first, 150, 150), PushResult::kPushed);
  EXPECT_EQ(RefusalOf(log_, Started(8, 101, 200)), "SEQUENCE_REWOUND");
  EXPECT_EQ(RefusalOf(log_, Started(8, 151, 200)), "FENCED");
}

TEST_F(ProducerLogTest, LogThatWentBackwardsIsRefusedByALaterProcessToo) {
  ProducerRegistry registry;
  registry.Restore({{"ingest", "log", 7, 150}});
  ProducerLog& log = **registry.Find("ingest", "log");
  EXPECT_EQ(RefusalOf(log, Started(8, 101, 200)), "SEQUENCE_REWOUND");
  EXPECT_EQ(RefusalOf(log, Started(7, 101, 200)), "");
  EXPECT_EQ(RefusalOf(log, Started(8, 151, 200)), "");
}

TEST_F(ProducerLogTest, WakeReachesTheAttachedStreamOnly) {
  log_.WakeStream();
  const auto stream = Attach(1, 1, 5)->stream;
  log_.WakeStream();
  EXPECT_EQ(wakes_, 1);
  log_.Detach(stream);
  log_.WakeStream();
  EXPECT_EQ(wakes_, 1);
}

TEST(ProducerRegistry, KeepsOneLogForEachProducerAndLogId) {
  ProducerRegistry registry;
  const auto log = *registry.Find("a", "1");
  EXPECT_EQ(*registry.Find("a", "1"), log);
  EXPECT_NE(*registry.Find("a", "2"), log);
  EXPECT_NE(*registry.Find("b", "1"), log);
  EXPECT_EQ(registry.size(), 3U);
}

TEST(ProducerRegistry, LogFoundLongestAgoMakesRoomUnlessItIsHeld) {
  ProducerRegistry registry(3);
  const auto held = *registry.Find("held", "1");
  const ProducerLog* oldest = registry.Find("oldest", "1")->get();
  ASSERT_THAT(oldest->durable(), 0U);
  registry.Find("old", "1").value()->MarkDurable(7);
  ASSERT_THAT(registry.Find("new", "1"), IsOk());
  EXPECT_EQ(registry.size(), 3U);
  EXPECT_EQ(*registry.Find("held", "1"), held);
  EXPECT_EQ(registry.Find("old", "1").value()->durable(), 7U);
}

TEST(ProducerRegistry, TooManyHeldLogsAreRefused) {
  ProducerRegistry registry(2);
  const auto a = registry.Find("a", "1");
  auto b = registry.Find("b", "1");
  const auto refused = registry.Find("c", "1");
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "2 producers"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "TOO_MANY_PRODUCERS");
  b->reset();
  EXPECT_THAT(registry.Find("c", "1"), IsOk());
}

}  // namespace
}  // namespace alertjoin
