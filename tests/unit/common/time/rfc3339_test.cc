#include "common/time/rfc3339.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

struct Case {
  const char* text;
  int64_t ms;
};

TEST(Rfc3339, ReadsOffsetsAndZeroToNineFractionalDigits) {
  const Case cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01t00:00:00z", 0},
      {"1970-01-01T00:00:01.5Z", 1'500},
      {"1970-01-01T00:00:01.999999999Z", 1'999},
      {"1969-12-31T23:59:59.9999Z", -1},
      {"2017-10-21T15:50:17.16095407-02:00", 1508608217160},
      {"2018-07-04T20:27:12.60602144+02:00", 1530728832606},
      {"2026-03-01T10:00:12.345Z", 1772359212345},
      {"2024-02-29T00:00:00+14:00", 1709114400000},
      {"0001-01-01T00:00:00Z", Timestamp::Min().millis()},
      {"9999-12-31T23:59:59.999Z", Timestamp::Max().millis()},
  };
  for (const Case& c : cases) {
    const auto time = ParseRfc3339(c.text);
    ASSERT_THAT(time, IsOk()) << c.text;
    EXPECT_EQ(time->millis(), c.ms) << c.text;
  }
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026-03-01", "2026-03-01T10:00:12", "2026-03-01T10:00:12.Z",
        "2026-03-01T10:00:12.1234567890Z", " 2026-03-01T10:00:12Z", "2026-03-01T10:00:12Z ",
        "2026-02-30T10:00:12Z", "2026-03-01T24:00:00Z", "2026-03-01T10:00:60Z",
        "2026-13-01T10:00:12Z", "2026-03-01T10:00:12+0200", "2026-03-01T10:00:12+24:00",
        "2026-03-01 10:00:12Z", "26-03-01T10:00:12Z", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "infinite-past", "2026-03-01T1O:00:12Z"}) {
    EXPECT_THAT(ParseRfc3339(text), StatusIs(absl::StatusCode::kInvalidArgument, "RFC 3339"))
        << text;
  }
}

TEST(Rfc3339, ReadsBackWhatItFormats) {
  std::mt19937_64 random(TestSeed());
  std::uniform_int_distribution<int64_t> any(Timestamp::Min().millis(), Timestamp::Max().millis());
  for (int i = 0; i < 10'000; ++i) {
    const Timestamp time = Timestamp::FromMillis(any(random));
    ASSERT_EQ(*ParseRfc3339(FormatRfc3339(time)), time) << FormatRfc3339(time);
  }
}

}  // namespace
}  // namespace alertjoin
