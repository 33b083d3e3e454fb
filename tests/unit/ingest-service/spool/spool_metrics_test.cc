#include "ingest-service/spool/spool_metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "ingest-service/spool/spool.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/spool/alert_event.h"

namespace alertjoin {
namespace {

TEST(SpoolMetrics, ShowsHowFullItIs) {
  prometheus::Registry registry;
  SpoolMetrics metrics(registry, "alerts");
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20, &metrics);
  ASSERT_THAT(spool.Append(std::vector<Event>{Alert("a"), Alert("b"), Alert("c")}), IsOk());
  EXPECT_EQ(metrics.events.Value(), 3);
  EXPECT_EQ(metrics.bytes.Value(), static_cast<double>(spool.bounds().bytes));
  EXPECT_EQ(metrics.bytes_max.Value(), 1 << 20);
  ASSERT_THAT(spool.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_EQ(metrics.events.Value(), 2);
  ASSERT_THAT(spool.DropBefore(LogPosition(3)), IsOk());
  EXPECT_EQ(metrics.events.Value(), 1);
  ASSERT_THAT(spool.Acknowledge(LogPosition(3)), IsOk());
  EXPECT_EQ(metrics.events.Value(), 0);
  EXPECT_EQ(metrics.bytes.Value(), 0);
}

TEST(SpoolMetrics, ShowsWhereItStands) {
  prometheus::Registry registry;
  SpoolMetrics metrics(registry, "alerts");
  const auto stage = [&registry](const std::string& name) {
    for (const auto& family : registry.Collect()) {
      if (family.name != "alertjoin_stage_" + name) continue;
      return family.metric.at(0).counter.value + family.metric.at(0).gauge.value;
    }
    return -1.0;
  };
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20, &metrics);
  EXPECT_EQ(metrics.first_sequence.Value(), 1);
  EXPECT_EQ(metrics.last_sequence.Value(), 0);
  EXPECT_EQ(metrics.acked_sequence.Value(), 0);
  ASSERT_THAT(spool.Append(std::vector<Event>{Alert("a"), Alert("b"), Alert("c"), Alert("d")}),
              IsOk());
  ASSERT_THAT(spool.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_EQ(metrics.last_sequence.Value(), 4);
  EXPECT_EQ(metrics.acked_sequence.Value(), 1);
  EXPECT_EQ(stage("in_total"), 4);
  EXPECT_EQ(stage("out_total"), 1);
  EXPECT_EQ(stage("in_progress"), 3);
  // What is dropped has not gone on.
  ASSERT_THAT(spool.DropBefore(LogPosition(3)), IsOk());
  EXPECT_EQ(metrics.first_sequence.Value(), 3);
  EXPECT_EQ(stage("in_progress"), 2);
  ASSERT_THAT(spool.Acknowledge(LogPosition(4)), IsOk());
  ASSERT_THAT(spool.Acknowledge(LogPosition(4)), IsOk());  // Said again.
  EXPECT_EQ(metrics.first_sequence.Value(), 5);
  EXPECT_EQ(metrics.acked_sequence.Value(), 4);
  EXPECT_EQ(stage("out_total"), 3);
  EXPECT_EQ(stage("in_progress"), 0);
  EXPECT_GT(stage("last_processed_timestamp_seconds"), 1.7e9);
}

}  // namespace
}  // namespace alertjoin
