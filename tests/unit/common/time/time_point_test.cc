#include "common/time/time_point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/rfc3339.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

// A Thursday.
const Timestamp kNow = *ParseRfc3339("2026-03-12T10:11:12.345Z");

std::string Parsed(std::string_view text) {
  const auto time = ParseTimePoint(text, kNow);
  return time.ok() ? FormatRfc3339(*time) : "refused";
}

TEST(TimePoint, ReadsRfc3339) {
  EXPECT_EQ(Parsed("2026-03-01T10:00:00+02:00"), "2026-03-01T08:00:00.000Z");
}

TEST(TimePoint, ReadsUnixTimeInSecondsOrMilliseconds) {
  EXPECT_EQ(Parsed("0"), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Parsed("1772000000"), "2026-02-25T06:13:20.000Z");
  EXPECT_EQ(Parsed("1772000000.25"), "2026-02-25T06:13:20.250Z");
  EXPECT_EQ(Parsed("1772000000.123987654"), "2026-02-25T06:13:20.123Z");
  EXPECT_EQ(Parsed("1772000000000"), "2026-02-25T06:13:20.000Z");
  // On either side of the border.
  EXPECT_EQ(Parsed("99999999999"), "5138-11-16T09:46:39.000Z");
  EXPECT_EQ(Parsed("100000000000"), "1973-03-03T09:46:40.000Z");
}

TEST(TimePoint, ReadsTimesRelativeToNow) {
  EXPECT_EQ(Parsed("now"), "2026-03-12T10:11:12.345Z");
  EXPECT_EQ(Parsed("now-30d"), "2026-02-10T10:11:12.345Z");
  EXPECT_EQ(Parsed("now-1h30m"), "2026-03-12T08:41:12.345Z");
  EXPECT_EQ(Parsed("now-1d-6h+5m"), "2026-03-11T04:16:12.345Z");
}

TEST(TimePoint, RoundsDownInUtc) {
  EXPECT_EQ(Parsed("now/s"), "2026-03-12T10:11:12.000Z");
  EXPECT_EQ(Parsed("now/m"), "2026-03-12T10:11:00.000Z");
  EXPECT_EQ(Parsed("now/h"), "2026-03-12T10:00:00.000Z");
  EXPECT_EQ(Parsed("now/d"), "2026-03-12T00:00:00.000Z");
  EXPECT_EQ(Parsed("now/w"), "2026-03-09T00:00:00.000Z");
  EXPECT_EQ(Parsed("now-3d/w"), "2026-03-09T00:00:00.000Z");
  EXPECT_EQ(Parsed("now-4d/w"), "2026-03-02T00:00:00.000Z");  // A Sunday is the end of its week.
  EXPECT_EQ(Parsed("now/M"), "2026-03-01T00:00:00.000Z");
  EXPECT_EQ(Parsed("now/y"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(Parsed("now/d-1d+6h"), "2026-03-11T06:00:00.000Z");
}

TEST(TimePoint, RefusesTheRest) {
  for (const char* text : {"",
                           "yesterday",
                           "now-",
                           "now-30",
                           "now 1d",
                           "now/",
                           "now/x",
                           "now/dd",
                           "now-1d/",
                           "now*2d",
                           "nowhere",
                           "-5",
                           "1e9",
                           "1772000000.",
                           ".5",
                           "1772000000.1234567890",
                           "9999999999999999",
                           "9999999999999999999999999999999999999999",
                           "999999999999999",
                           "now-9999y",
                           "2026-03-01",
                           " now"}) {
    EXPECT_THAT(ParseTimePoint(text, kNow),
                StatusIs(absl::StatusCode::kInvalidArgument, "is not a time such as now-30d"))
        << text;
  }
}

}  // namespace
}  // namespace alertjoin
