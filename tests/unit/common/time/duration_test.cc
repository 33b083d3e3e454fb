#include "common/time/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

TEST(Duration, ReadsWhatPrometheusWrites) {
  EXPECT_EQ(*ParseDuration("0"), Millis(0));
  EXPECT_EQ(*ParseDuration("0s"), Millis(0));
  EXPECT_EQ(*ParseDuration("500ms"), Millis(500));
  EXPECT_EQ(*ParseDuration("15s"), Millis(15'000));
  EXPECT_EQ(*ParseDuration("1h30m"), Millis(5'400'000));
  // Found by fuzzing: zeros before a number say nothing, however many.
  EXPECT_EQ(*ParseDuration("0000000000000000000000380744m"), Millis(380'744LL * 60'000));
  EXPECT_EQ(*ParseDuration("1y2w3d4h5m6s7ms"), Millis(33'019'506'007));
}

TEST(Duration, RefusesTheRest) {
  for (const char* text : {"", "5", "s", "-5s", "1.5h", "5 s", "5s5m", "5s5s", "1h ", "5x",
                           "1m1ms1s", "99999999999999999999s", "10001y"}) {
    EXPECT_THAT(ParseDuration(text), StatusIs(absl::StatusCode::kInvalidArgument, "duration"))
        << text;
  }
}

TEST(Duration, FormatsTheShortestText) {
  EXPECT_EQ(FormatDuration(Millis(0)), "0s");
  EXPECT_EQ(FormatDuration(Millis(90'061)), "1m30s61ms");
  for (const int64_t ms : {int64_t{1}, int64_t{999}, int64_t{60'000}, int64_t{123'456'789'012}}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(Millis(ms))), Millis(ms));
  }
}

}  // namespace
}  // namespace alertjoin
