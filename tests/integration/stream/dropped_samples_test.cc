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
  // Appends until nothing before `position` is in the lane. For a correlator that holds.
  void AppendUntilDropped(LogPosition position) {
    while (lane_.spool().bounds().first < position) ASSERT_NO_FATAL_FAILURE(Append(1000));
  }
  bool WaitAcknowledged() {
    const Spool& spool = lane_.spool();
    return lane_.spool().WaitAcknowledged(LogPosition(spool.bounds().next.value() - 1),
                                          std::chrono::steady_clock::now() + kPatience);
  }
  double Metric(const std::string& name) { return MetricOf(registry_, name, "samples"); }
  Spool& spool() { return lane_.spool(); }

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

// Each event has been taken once, or is counted as lost by the correlator.
void ExpectAgreement(FakeSink& sink, CorrelatorEnd& correlator, SampleProducer& producer) {
  const double lost = correlator.Metric("alertjoin_intake_lost_events_total");
  EXPECT_EQ(static_cast<double>(sink.Taken().size()) + lost,
            static_cast<double>(producer.spool().bounds().next.value() - 1));
  EXPECT_GE(producer.Metric("alertjoin_spool_dropped_events_total"), lost);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_missing_events_total"), 0);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_errors_total"), 0);
  EXPECT_EQ(producer.spool().waiting(), 0u);
}

TEST(DroppedSamples, UplinkPassesOverWhatWasDroppedBeforeItWasSent) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  SampleProducer producer(correlator.address());
  sink.Hold();
  // Fewer than the batches that a stream may have in the pipeline, if each were one.
  producer.Append(100);
  ASSERT_TRUE(sink.WaitTaken(100));
  // More than can be on its way: the rest waits in the spool, and the next to be sent is dropped.
  const LogPosition beyond(IntakeSession::kWindowEventsMax + 5000);
  ASSERT_NO_FATAL_FAILURE(producer.AppendUntilDropped(beyond));
  sink.Release();
  ASSERT_TRUE(producer.WaitAcknowledged());

  // At once: after an error it would have waited for an hour.
  EXPECT_GE(producer.Metric("alertjoin_uplink_drops_met_total"), 1);
  EXPECT_EQ(producer.Metric("alertjoin_uplink_reconnects_total"),
            producer.Metric("alertjoin_uplink_drops_met_total"));
  EXPECT_GE(correlator.Metric("alertjoin_intake_lost_events_total"), 5000 - 1);
  ExpectAgreement(sink, correlator, producer);
  const std::vector<std::string> taken = sink.Taken();
  EXPECT_GT(std::count(taken.begin(), taken.end(), "other"), 0) << "gaps";
}

TEST(DroppedSamples, DropsWhileEventsFlowEndInAgreement) {
  FakeSink sink;
  CorrelatorEnd correlator(sink);
  SampleProducer producer(correlator.address());
  // A correlator that stalls again and again, while more comes than the lane can hold.
  for (int round = 0; round < 6; ++round) {
    sink.Hold();
    const LogPosition next = producer.spool().bounds().next;
    producer.AppendUntilDropped(round % 2 == 0 ? next : producer.spool().bounds().first.Next());
    sink.Release();
    producer.Append(2000);
  }
  ASSERT_TRUE(producer.WaitAcknowledged());
  ExpectAgreement(sink, correlator, producer);
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
