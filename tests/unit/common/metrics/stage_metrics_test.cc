#include "common/metrics/stage_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

class StageMetricsTest : public ::testing::Test {
 protected:
  // The value of alertjoin_stage_<name>{stage="s"}.
  void Expect(const std::string& name, const std::string& value) {
    EXPECT_THAT(prometheus::TextSerializer().Serialize(registry_.Collect()),
                HasSubstr("\nalertjoin_stage_" + name + "{stage=\"s\"} " + value + "\n"));
  }

  prometheus::Registry registry_;
  ManualClock clock_{Timestamp::FromMillis(5'500)};
  StageMetrics stage_{registry_, "s", clock_};
};

TEST_F(StageMetricsTest, WhatHasBegunIsInProgressUntilItEnds) {
  stage_.Begin(5);
  stage_.Finish(2);
  stage_.Abandon(1);
  Expect("in_total", "5");
  Expect("out_total", "2");
  Expect("in_progress", "2");
}

TEST_F(StageMetricsTest, TellsWhenItLastProcessedSomething) {
  stage_.Begin(2);
  Expect("last_processed_timestamp_seconds", "0");
  stage_.Finish();
  Expect("last_processed_timestamp_seconds", "5.5");
  clock_.Advance(std::chrono::seconds(1));
  stage_.Abandon();
  stage_.Finish(0);
  Expect("last_processed_timestamp_seconds", "5.5");
}

TEST_F(StageMetricsTest, WhatIsExpectedHasNotComeYet) {
  stage_.Expect(3);
  Expect("in_progress", "3");
  Expect("in_total", "0");
  stage_.CountIn(3);
  Expect("in_progress", "3");
  Expect("in_total", "3");
}

}  // namespace
}  // namespace alertjoin
