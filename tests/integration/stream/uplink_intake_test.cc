// The uplink against the intake over a real gRPC server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <thread>

#include "tests/integration/stream/correlator_end.h"
#include "tests/integration/stream/producer_end.h"

namespace alertjoin {
namespace {

using ::testing::IsEmpty;

std::vector<std::string> Of(const std::vector<std::string>& taken, const std::string& producer) {
  std::vector<std::string> result;
  for (const std::string& name : taken) {
    if (name.starts_with(producer + "-")) result.push_back(name);
  }
  return result;
}

class UplinkIntakeTest : public ::testing::Test {
 protected:
  FakeSink sink_;
  CorrelatorEnd correlator_{sink_};
  ProducerEnd producer_{correlator_.address()};
};

TEST_F(UplinkIntakeTest, EventsArriveOnceAndInOrder) {
  producer_.Append(1, 5000);
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, 5000));
  // The last of what is counted behind an acknowledgement.
  EXPECT_TRUE(producer_.WaitMetric("alertjoin_stage_out_total", 5000, "uplink_alerts"));
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_acked_events_total"), 5000);
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_sent_events_total"), 5000);
  EXPECT_EQ(producer_.spool().bounds().bytes, 0U);
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_connected"), 1);
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_events_total"), 5000);
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_duplicates_total"), 0);
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_streams"), 1);
  EXPECT_EQ(producer_.Metric("alertjoin_stage_in_total", "uplink_alerts"), 5000);
  EXPECT_EQ(producer_.Metric("alertjoin_stage_out_total", "uplink_alerts"), 5000);
  EXPECT_EQ(correlator_.Metric("alertjoin_stage_in_total", "intake"), 5000);
  EXPECT_EQ(correlator_.Metric("alertjoin_stage_out_total", "intake"), 5000);
  EXPECT_EQ(correlator_.Metric("alertjoin_stage_in_progress", "intake"), 0);
}

TEST_F(UplinkIntakeTest, NothingIsAcknowledgedBeforeItIsApplied) {
  sink_.Hold();
  producer_.AppendTogether(1, 3);
  ASSERT_TRUE(sink_.WaitTaken(3));
  EXPECT_EQ(producer_.spool().acknowledged(), LogPosition(0));
  EXPECT_EQ(producer_.Metric("alertjoin_stage_in_progress", "uplink_alerts"), 3);
  sink_.Release();
  EXPECT_TRUE(producer_.WaitAcknowledged());
  EXPECT_TRUE(producer_.WaitMetric("alertjoin_stage_out_total", 3, "uplink_alerts"));
}

TEST_F(UplinkIntakeTest, WindowBoundsWhatIsOnItsWay) {
  sink_.Hold();
  constexpr int kEvents = 3 * static_cast<int>(IntakeSession::kWindowEventsMax);
  producer_.Append(1, kEvents);
  sink_.Release();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, kEvents));
  EXPECT_LE(sink_.waiting_max(), IntakeSession::kWindowEventsMax);
}

TEST_F(UplinkIntakeTest, FullPipelineDelaysAndLosesNothing) {
  sink_.SetFull(true);
  producer_.Append(1, 10);
  // The batch has been offered, and refused, at least once.
  const auto refused = [this] { return correlator_.Metric("alertjoin_intake_queue_full_total"); };
  while (refused() == 0) std::this_thread::yield();
  EXPECT_THAT(sink_.Taken(), IsEmpty());
  EXPECT_GT(correlator_.Metric("alertjoin_stage_in_progress", "intake"), 0);
  sink_.SetFull(false);
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, 10));
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_reconnects_total"), 0);
}

TEST_F(UplinkIntakeTest, ConnectionCutWhileEventsFlowLosesAndDoublesNothing) {
  constexpr int kRounds = 5;
  constexpr int kEvents = 2000;
  for (int round = 0; round < kRounds; ++round) {
    producer_.Append(round * kEvents + 1, (round + 1) * kEvents);
    correlator_.CutServer();
    correlator_.Serve();
  }
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, kRounds * kEvents));
  EXPECT_GE(producer_.Metric("alertjoin_uplink_reconnects_total"), 1);
}

TEST_F(UplinkIntakeTest, LostAckIsMadeUpForByTheWelcome) {
  sink_.Hold();
  producer_.AppendTogether(1, 10);
  ASSERT_TRUE(sink_.WaitTaken(10));
  correlator_.CutServer();
  sink_.Release();
  correlator_.Serve();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, 10));
}

TEST_F(UplinkIntakeTest, ReconnectWhileEventsAreStillInThePipelineDoublesNothing) {
  sink_.Hold();
  producer_.AppendTogether(1, 10);
  ASSERT_TRUE(sink_.WaitTaken(10));
  correlator_.CutServer();
  correlator_.Serve();
  producer_.AppendTogether(11, 20);
  ASSERT_TRUE(sink_.WaitTaken(20));
  EXPECT_EQ(producer_.spool().acknowledged(), LogPosition(0));
  sink_.Release();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, 20));
}

TEST_F(UplinkIntakeTest, RestartedCorrelatorGoesOnWithWhatTheSpoolHolds) {
  producer_.Append(1, 10);
  ASSERT_TRUE(producer_.WaitAcknowledged());
  correlator_.StopGracefully();
  producer_.Append(11, 20);
  correlator_.ForgetEverything();
  correlator_.Serve();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  EXPECT_EQ(sink_.Taken(), producer_.Names(1, 20));
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_store_changes_total"), 1);
  EXPECT_GE(producer_.Metric("alertjoin_uplink_errors_total", "UNAVAILABLE"), 1);
}

TEST_F(UplinkIntakeTest, EventsThatOnlyTheDeadCorrelatorHadTakenAreSentAgain) {
  sink_.Hold();
  producer_.AppendTogether(1, 10);
  ASSERT_TRUE(sink_.WaitTaken(10));
  correlator_.CutServer();
  correlator_.ForgetEverything();
  sink_.Release();
  correlator_.Serve();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  auto expected = producer_.Names(1, 10);
  const auto again = producer_.Names(1, 10);
  expected.insert(expected.end(), again.begin(), again.end());
  EXPECT_EQ(sink_.Taken(), expected);
}

TEST_F(UplinkIntakeTest, TwoProducersKeepTheirOrderAndDoNotMix) {
  ProducerEnd other(correlator_.address(), "ingest-2");
  std::thread appender([&] { other.Append(1, 3000); });
  producer_.Append(1, 3000);
  appender.join();
  ASSERT_TRUE(producer_.WaitAcknowledged());
  ASSERT_TRUE(other.WaitAcknowledged());
  EXPECT_EQ(Of(sink_.Taken(), "ingest-1"), producer_.Names(1, 3000));
  EXPECT_EQ(Of(sink_.Taken(), "ingest-2"), other.Names(1, 3000));
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_streams"), 2);
}

TEST_F(UplinkIntakeTest, GracefulStopEndsTheStreamAtOnceWithItsReason) {
  ASSERT_TRUE(producer_.WaitState(UplinkState::kStreaming));
  sink_.Hold();
  producer_.AppendTogether(1, 10);
  ASSERT_TRUE(sink_.WaitTaken(10));
  const auto start = std::chrono::steady_clock::now();
  correlator_.StopGracefully();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(producer_.WaitMetric("alertjoin_uplink_errors_total", 1, "UNAVAILABLE"));
  // By then what the error has changed is seen, too.
  EXPECT_TRUE(producer_.WaitMetric("alertjoin_uplink_reconnects_total", 1));
  EXPECT_EQ(producer_.Metric("alertjoin_uplink_connected"), 0);
}

TEST_F(UplinkIntakeTest, UplinkStopsPromptlyWhileItWaitsForAnAck) {
  sink_.Hold();
  producer_.AppendTogether(1, 1);
  ASSERT_TRUE(sink_.WaitTaken(1));
  const auto start = std::chrono::steady_clock::now();
  producer_.uplink().Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(producer_.uplink().state(), UplinkState::kStopped);
  EXPECT_FALSE(producer_.uplink().connected());
  producer_.uplink().Stop();
}

TEST_F(UplinkIntakeTest, AnAlertIsAcknowledgedWithinMilliseconds) {
  ASSERT_TRUE(producer_.WaitState(UplinkState::kStreaming));
  std::vector<double> latencies_ms;
  for (int i = 1; i <= 500; ++i) {
    const auto start = std::chrono::steady_clock::now();
    producer_.Append(i, i);
    ASSERT_TRUE(producer_.WaitAcknowledged());
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    latencies_ms.push_back(taken.count());
  }
  std::sort(latencies_ms.begin(), latencies_ms.end());
  const double quartile_ms = latencies_ms[latencies_ms.size() / 4];
  std::cout << "lower quartile of append to acknowledgement: " << quartile_ms << " ms\n";
  // Generous: what it must catch is a delayed acknowledgement (40 ms) or a poll, which all have
  // alike; what a busy machine adds some have.
  EXPECT_LT(quartile_ms, 20);
}

TEST(Uplink, ConnectsWhenTheCorrelatorComesUpLater) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  correlator.CutServer();
  ProducerEnd producer(correlator.address());
  producer.Append(1, 10);
  ASSERT_TRUE(producer.WaitMetric("alertjoin_uplink_reconnects_total", 3));
  EXPECT_GE(producer.Metric("alertjoin_uplink_errors_total", "UNAVAILABLE"), 3);
  correlator.Serve();
  ASSERT_TRUE(producer.WaitAcknowledged());
  EXPECT_EQ(sink.Taken(), producer.Names(1, 10));
}

TEST(Uplink, StopsPromptlyWhileItWaitsToConnectAgain) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  correlator.CutServer();
  ProducerEnd producer(correlator.address());
  ASSERT_TRUE(producer.WaitMetric("alertjoin_uplink_reconnects_total", 2));
  const auto start = std::chrono::steady_clock::now();
  producer.uplink().Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Uplink, HeartbeatsKeepAnIdleStreamOpen) {
  FakeSink sink;
  IntakeOptions options;
  options.heartbeat_interval = Millis(50);
  CorrelatorEnd correlator(sink, options);
  // More than a busy machine keeps a thread waiting.
  ProducerEnd producer(correlator.address(), "ingest-1", Millis(4000));
  ASSERT_TRUE(producer.WaitState(UplinkState::kStreaming));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(6);
  EXPECT_FALSE(producer.spool().WaitAcknowledged(LogPosition(1), end));
  EXPECT_EQ(producer.Metric("alertjoin_uplink_reconnects_total"), 0);
}

TEST(Uplink, SilentCorrelatorIsGivenUp) {
  FakeSink sink;
  IntakeOptions options;
  options.heartbeat_interval = Millis(3'600'000);
  CorrelatorEnd correlator(sink, options);
  ProducerEnd producer(correlator.address(), "ingest-1", Millis(300));
  EXPECT_TRUE(producer.WaitMetric("alertjoin_uplink_errors_total", 2, "DEADLINE_EXCEEDED"));
}

}  // namespace
}  // namespace alertjoin
