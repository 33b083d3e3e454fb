// Spools that are put back from an older copy, run twice, or meet a clock that was set back: the
// uplink against the intake over a real gRPC server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "tests/integration/stream/correlator_end.h"
#include "tests/integration/stream/producer_end.h"
#include "tests/support/forwarding_log.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::IsSubsetOf;

constexpr Millis kStep(1000);

// What a copy of the log's folder is: it says that it is the same log.
class CopiedLog final : public ForwardingLog {
 public:
  explicit CopiedLog(const EventLog& log) : ForwardingLog(copy_), id_(log.id()) {
    const EventLog::Bounds bounds = log.bounds();
    const std::vector<std::string> trimmed(bounds.first.value() - 1);
    Append(trimmed);
    EXPECT_THAT(copy_.Trim(bounds.first), IsOk());
    const auto chunk = log.Read(bounds.first, SIZE_MAX, SIZE_MAX);
    EXPECT_THAT(chunk, IsOk());
    Append(chunk->records);
    for (const std::string name : {"epoch", "log_id"}) {
      EXPECT_THAT(copy_.SetNote(name, log.note(name)), IsOk());
    }
  }
  const std::string& id() const override { return id_; }

 private:
  void Append(const std::vector<std::string>& records) {
    if (records.empty()) return;
    EXPECT_THAT(copy_.Append(records), IsOk());
  }

  MemoryEventLog copy_{256 << 20};
  const std::string id_;
};

class RestoredSpoolTest : public ::testing::Test {
 protected:
  // A process on this log, which starts a second after the last one.
  std::unique_ptr<ProducerEnd> Start(EventLog& log) {
    now_ = now_ + kStep;
    return std::make_unique<ProducerEnd>(correlator_.address(), log, now_);
  }
  // Brings these alerts to the correlator, and ends.
  void Deliver(EventLog& log, int from, int through) {
    const auto producer = Start(log);
    producer->Append(from, through);
    ASSERT_TRUE(producer->WaitAcknowledged());
  }
  static double NewLogIds(ProducerEnd& producer) {
    return producer.Metric("alertjoin_uplink_new_log_ids_total");
  }

  FakeSink sink_;
  CorrelatorEnd correlator_{sink_};
  MemoryEventLog log_{256 << 20};
  Timestamp now_ = ProducerEnd::kNow;
};

TEST_F(RestoredSpoolTest, OlderCopyDeliversEverythingUnderANewLogId) {
  Deliver(log_, 1, 10);
  CopiedLog copy(log_);
  Deliver(log_, 11, 15);
  const auto producer = Start(copy);
  producer->Append(16, 17);
  ASSERT_TRUE(producer->WaitAcknowledged());
  producer->Append(18, 30);
  ASSERT_TRUE(producer->WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer->Names(1, 30));
  EXPECT_EQ(NewLogIds(*producer), 1);
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_refused_total", "SEQUENCE_REWOUND"), 1);
}

// The first of them were once taken for those that the correlator had, and forgotten.
TEST_F(RestoredSpoolTest, OlderCopyThatHasGrownBeforeItConnectsLosesNothing) {
  Deliver(log_, 1, 10);
  CopiedLog copy(log_);
  Deliver(log_, 11, 15);
  correlator_.CutServer();
  const auto producer = Start(copy);
  producer->Append(16, 40);
  correlator_.Serve();
  ASSERT_TRUE(producer->WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer->Names(1, 40));
  EXPECT_EQ(NewLogIds(*producer), 1);
}

TEST_F(RestoredSpoolTest, CopyOfARunningProcessIsKnownToo) {
  auto producer = Start(log_);
  producer->Append(1, 10);
  ASSERT_TRUE(producer->WaitAcknowledged());
  CopiedLog copy(log_);
  producer->Append(11, 15);
  ASSERT_TRUE(producer->WaitAcknowledged());
  producer.reset();
  correlator_.CutServer();
  const auto restored = Start(copy);
  restored->Append(16, 40);
  correlator_.Serve();
  ASSERT_TRUE(restored->WaitAcknowledged());
  // The copy may hold some that were acknowledged: those come again.
  EXPECT_THAT(restored->Names(1, 40), IsSubsetOf(sink_.Taken()));
  EXPECT_EQ(NewLogIds(*restored), 1);
}

TEST_F(RestoredSpoolTest, NewLogIdIsKeptAndTheNextProcessGoesOnWithIt) {
  Deliver(log_, 1, 10);
  CopiedLog copy(log_);
  Deliver(log_, 11, 15);
  Deliver(copy, 16, 30);
  const auto producer = Start(copy);
  producer->Append(31, 35);
  ASSERT_TRUE(producer->WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer->Names(1, 35));
  EXPECT_EQ(NewLogIds(*producer), 0);
  EXPECT_EQ(producer->Metric("alertjoin_uplink_reconnects_total"), 0);
}

TEST_F(RestoredSpoolTest, WhatTheCopyStillHeldIsSentAgainAndNothingIsMissing) {
  Deliver(log_, 1, 10);
  correlator_.CutServer();
  auto producer = Start(log_);
  producer->Append(11, 15);
  CopiedLog copy(log_);
  correlator_.Serve();
  ASSERT_TRUE(producer->WaitAcknowledged());
  producer->Append(16, 17);
  ASSERT_TRUE(producer->WaitAcknowledged());
  producer.reset();
  const auto restored = Start(copy);
  restored->Append(18, 18);
  ASSERT_TRUE(restored->WaitAcknowledged());
  auto expected = restored->Names(1, 17);
  for (const std::string& name : restored->Names(11, 15)) expected.push_back(name);
  for (const std::string& name : restored->Names(18, 18)) expected.push_back(name);
  EXPECT_EQ(sink_.Taken(), expected);
  EXPECT_EQ(restored->Metric("alertjoin_uplink_missing_events_total"), 0);
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_lost_events_total"), 0);
}

TEST_F(RestoredSpoolTest, TwoProcessesOnCopiesOfOneLogBothDeliver) {
  const auto one = Start(log_);
  one->Append(1, 10);
  ASSERT_TRUE(one->WaitAcknowledged());
  CopiedLog copy(log_);
  const auto other = Start(copy);
  other->Append(11, 20);
  ASSERT_TRUE(other->WaitAcknowledged());
  one->Append(21, 30);
  ASSERT_TRUE(one->WaitAcknowledged());
  other->Append(31, 40);
  ASSERT_TRUE(other->WaitAcknowledged());
  EXPECT_THAT(one->Names(1, 40), IsSubsetOf(sink_.Taken()));
  EXPECT_EQ(NewLogIds(*one), 1);
  EXPECT_EQ(NewLogIds(*other), 0);
}

// It was once fenced for as long as the process lived.
TEST_F(RestoredSpoolTest, RestartWithAClockThatWasSetBackGoesOn) {
  Deliver(log_, 1, 10);
  ProducerEnd producer(correlator_.address(), log_, now_ - std::chrono::hours(24));
  producer.Append(11, 20);
  ASSERT_TRUE(producer.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer.Names(1, 20));
  EXPECT_EQ(producer.Metric("alertjoin_uplink_reconnects_total"), 0);
  EXPECT_EQ(NewLogIds(producer), 0);
}

TEST_F(RestoredSpoolTest, OlderCopyAndAClockThatWasSetBackTogetherHealToo) {
  Deliver(log_, 1, 10);
  CopiedLog copy(log_);
  Deliver(log_, 11, 15);
  ProducerEnd producer(correlator_.address(), copy, now_ - std::chrono::hours(24));
  producer.Append(16, 40);
  ASSERT_TRUE(producer.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer.Names(1, 40));
}

TEST_F(RestoredSpoolTest, RestartThatLostNothingKeepsItsLogId) {
  Deliver(log_, 1, 10);
  Deliver(log_, 11, 15);
  const auto producer = Start(log_);
  ASSERT_TRUE(producer->WaitState(UplinkState::kStreaming));
  correlator_.CutServer();
  producer->Append(16, 20);
  correlator_.Serve();
  ASSERT_TRUE(producer->WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer->Names(1, 20));
  EXPECT_EQ(NewLogIds(*producer), 0);
}

}  // namespace
}  // namespace alertjoin
