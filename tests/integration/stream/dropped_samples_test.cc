// The lane of samples, its uplink and a correlator's end that is too slow or away: what was dropped
// is passed over at once, and the gaps that say so arrive.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "ingest-service/spool/sample_lane.h"
#include "ingest-service/uplink/uplink.h"
#include "tests/integration/stream/correlator_end.h"
#include "tests/integration/stream/producer_end.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience(30);
constexpr uint64_t kLaneBytes = 16 << 20;

// The producer's end with a lane of samples. A stream that ends with an error is not followed by
// another one for an hour.
class SampleProducer {
 public:
  explicit SampleProducer(const std::string& address)
      : uplink_(OptionsOf(address), lane_.spool(), clock_, registry_) {
    uplink_.Start();
  }

  // Appends `count` batches of one sample each.
  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      SampleBatch batch;
      batch.series.push_back(series_);
      batch.series_index = {0};
      batch.times = {Timestamp::FromMillis(++time_ms_)};
      batch.values = {1};
      ASSERT_THAT(lane_.Append(std::vector<Event>{batch}), IsOk());
    }
  }
  // Appends until the lane has dropped everything before `position`.
  void AppendUntilDropped(LogPosition position) {
    while (lane_.spool().bounds().first < position) Append(1000);
  }
  bool WaitAcknowledged() {
    const Spool& spool = lane_.spool();
    return lane_.spool().WaitAcknowledged(LogPosition(spool.bounds().next.value() - 1),
                                          std::chrono::steady_clock::now() + kPatience);
  }
  double Metric(const std::string& name) { return MetricOf(registry_, name, "samples"); }
  Spool& spool() { return lane_.spool(); }
  Uplink& uplink() { return uplink_; }
  int64_t appended() const { return time_ms_; }

 private:
  static UplinkOptions OptionsOf(const std::string& address) {
    UplinkOptions options;
    options.address = address;
    options.producer_id = "ingest-1";
    options.lane = "samples";
    options.backoff_initial = options.backoff_cap = std::chrono::hours(1);
    return options;
  }

  const std::shared_ptr<const SeriesKey> series_ = std::make_shared<SeriesKey>(
      SeriesKey{std::make_shared<Query>(Query{"prom", "up", "up", TimeKind::kSample}), {}});
  int64_t time_ms_ = 0;
  ManualClock clock_{Timestamp::FromMillis(1'772'000'000'000)};
  prometheus::Registry registry_;
  MemoryEventLog log_{kLaneBytes};
  SampleLane lane_{log_, kLaneBytes, clock_, registry_};
  Uplink uplink_;
};

TEST(DroppedSamples, UplinkPassesOverWhatWasDroppedBeforeItWasSent) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  SampleProducer producer(correlator.address());
  constexpr uint64_t kWindow = IntakeSession::kWindowEventsMax;
  sink.Hold();
  producer.Append(static_cast<int>(kWindow) + 1000);
  // The window is full: what comes next waits in the spool, and is dropped there.
  ASSERT_TRUE(sink.WaitTaken(kWindow)) << sink.Taken().size() << " " << producer.spool().bounds().first.value();
  producer.AppendUntilDropped(LogPosition(kWindow + 5000));
  const uint64_t first = producer.spool().bounds().first.value();
  EXPECT_EQ(producer.Metric("alertjoin_uplink_drops_met_total"), 0);
  sink.Release();
  ASSERT_TRUE(producer.WaitAcknowledged());

  // At once: after an error it would have waited for an hour.
  EXPECT_EQ(producer.Metric("alertjoin_uplink_drops_met_total"), 1);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_reconnects_total"), 1);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_errors_total"), 0);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_missing_events_total"), 0);
  EXPECT_EQ(correlator.Metric("alertjoin_intake_lost_events_total"),
            static_cast<double>(first - 1 - kWindow));
  // Everything but what was dropped has arrived, and gaps among it.
  const std::vector<std::string> taken = sink.Taken();
  EXPECT_EQ(taken.size(), kWindow + producer.spool().bounds().next.value() - first);
  EXPECT_GT(std::count(taken.begin(), taken.end(), "other"), 0);
  EXPECT_EQ(producer.spool().waiting(), 0u);
}

TEST(DroppedSamples, UplinkBeginsBehindWhatWasDroppedWhileTheCorrelatorWasAway) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  correlator.CutServer();
  SampleProducer producer(correlator.address());
  ASSERT_NO_FATAL_FAILURE(producer.AppendUntilDropped(LogPosition(2)));
  const uint64_t held = producer.spool().waiting();
  correlator.Serve();
  // The first attempt failed; this is the next one.
  SampleProducer restarted(correlator.address());
  ASSERT_NO_FATAL_FAILURE(restarted.AppendUntilDropped(LogPosition(2)));
  ASSERT_TRUE(restarted.WaitAcknowledged());
  EXPECT_GT(held, 1000u);
}

TEST(DroppedSamples, DropsWhileEventsFlowEndInAgreement) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  SampleProducer producer(correlator.address());
  // A correlator that stalls again and again under more than the lane can hold.
  for (int round = 0; round < 6; ++round) {
    sink.Hold();
    const LogPosition next = producer.spool().bounds().next;
    producer.AppendUntilDropped(round % 2 == 0 ? next : producer.spool().bounds().first.Next());
    sink.Release();
    producer.Append(2000);
  }
  ASSERT_TRUE(producer.WaitAcknowledged());
  EXPECT_EQ(producer.spool().waiting(), 0u);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_errors_total"), 0);
  // Each event was taken, or is counted as lost; none twice.
  const auto last = static_cast<double>(producer.spool().bounds().next.value() - 1);
  EXPECT_EQ(static_cast<double>(sink.Taken().size()) +
                correlator.Metric("alertjoin_intake_lost_events_total"),
            last);
  EXPECT_GE(producer.Metric("alertjoin_spool_dropped_events_total"),
            correlator.Metric("alertjoin_intake_lost_events_total"));
}

TEST(DroppedSamples, AlertsOfTheSameProducerGoOnMeanwhile) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  ProducerEnd alerts(correlator.address());
  SampleProducer samples(correlator.address());
  samples.Append(1000);
  alerts.Append(1, 1000);
  ASSERT_TRUE(alerts.WaitAcknowledged());
  ASSERT_TRUE(samples.WaitAcknowledged());
  EXPECT_EQ(correlator.Metric("alertjoin_intake_streams"), 2);
  std::vector<std::string> taken = sink.Taken();
  std::erase(taken, "samples");
  EXPECT_EQ(taken, alerts.Names(1, 1000));
}

}  // namespace
}  // namespace alertjoin
