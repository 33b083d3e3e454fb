#include "common/net/process_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "common/time/clock.h"

namespace alertjoin {
namespace {

TEST(ProcessMetrics, ReadsTheStatOfAProcessOfAnyName) {
  ProcessStat stat;
  ASSERT_TRUE(
      ParseProcessStat("42 (odd) name (x) S 1 2 3 0 -1 4 5 6 7 8 300 45 9 10 20 0 12 0 987654 "
                       "104857600 2560 18446744073709551615 1",
                       &stat));
  EXPECT_EQ(stat.cpu_ticks, 345u);
  EXPECT_EQ(stat.threads, 12u);
  EXPECT_EQ(stat.start_ticks, 987654u);
  EXPECT_EQ(stat.virtual_bytes, 104857600u);
  EXPECT_EQ(stat.resident_pages, 2560u);
}

TEST(ProcessMetrics, RefusesWhatIsNoStat) {
  ProcessStat stat;
  for (const char* text : {"", "42", "42 (a)", "42 (a) ", "42 (a) S 1 2 x", "42 (a) S 1 2 3"}) {
    EXPECT_FALSE(ParseProcessStat(text, &stat)) << text;
  }
}

TEST(ProcessMetrics, TellsOfThisProcess) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : CollectProcessMetrics()) {
    ASSERT_EQ(family.metric.size(), 1u);
    const bool counter = family.type == prometheus::MetricType::Counter;
    values[family.name] = counter ? family.metric[0].counter.value : family.metric[0].gauge.value;
  }
  EXPECT_EQ(values.size(), 7u);
  EXPECT_GT(values["process_resident_memory_bytes"], 1 << 20);
  EXPECT_GE(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"]);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GT(values["process_max_fds"], values["process_open_fds"]);
  EXPECT_GE(values["process_threads"], 1);
  const auto now = static_cast<double>(SystemClock().Now().millis()) / 1000;
  EXPECT_LE(values["process_start_time_seconds"], now + 1);
  EXPECT_GT(values["process_start_time_seconds"], now - 3600);
}

}  // namespace
}  // namespace alertjoin
