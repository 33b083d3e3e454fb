#include "common/event/event_parts.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

google::protobuf::Timestamp Time(int64_t seconds, int32_t nanos) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  time.set_nanos(nanos);
  return time;
}

google::protobuf::Duration Span(int64_t seconds, int32_t nanos) {
  google::protobuf::Duration span;
  span.set_seconds(seconds);
  span.set_nanos(nanos);
  return span;
}

TEST(EventParts, TimesOfAllYearsComeBack) {
  for (const int64_t ms : {Timestamp::Min().millis(), int64_t{-1001}, int64_t{-1000}, int64_t{-1},
                           int64_t{0}, int64_t{1}, int64_t{999}, Timestamp::Max().millis()}) {
    const auto encoded = EncodeTime(Timestamp::FromMillis(ms));
    EXPECT_GE(encoded.nanos(), 0);
    const auto decoded = DecodeTime(encoded);
    ASSERT_THAT(decoded, IsOk()) << ms;
    EXPECT_EQ(decoded->millis(), ms);
  }
}

TEST(EventParts, TimeIsFlooredToMilliseconds) {
  EXPECT_EQ(DecodeTime(Time(1, 999'999))->millis(), 1000);
  EXPECT_EQ(DecodeTime(Time(-1, 999'999'999))->millis(), -1);
  EXPECT_EQ(DecodeTime(Time(-1, 999'999))->millis(), -1000);
}

TEST(EventParts, TimeOutsideItsRangesIsRefused) {
  constexpr auto kCode = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(DecodeTime(Time(-62135596801, 0)), StatusIs(kCode, "years 1 to 9999"));
  EXPECT_THAT(DecodeTime(Time(253402300800, 0)), StatusIs(kCode, "years 1 to 9999"));
  EXPECT_THAT(DecodeTime(Time(INT64_MAX, 0)), StatusIs(kCode));
  EXPECT_THAT(DecodeTime(Time(INT64_MIN, 0)), StatusIs(kCode));
  EXPECT_THAT(DecodeTime(Time(0, -1)), StatusIs(kCode, "nanos"));
  EXPECT_THAT(DecodeTime(Time(0, 1'000'000'000)), StatusIs(kCode, "nanos"));
}

TEST(EventParts, SpansComeBack) {
  for (const int64_t ms : {-1500, -1, 0, 1, 999, 300'000}) {
    const auto decoded = DecodeSpan(EncodeSpan(Millis(ms)));
    ASSERT_THAT(decoded, IsOk()) << ms;
    EXPECT_EQ(decoded->count(), ms);
  }
}

TEST(EventParts, SpanIsFlooredToMilliseconds) {
  EXPECT_EQ(DecodeSpan(Span(0, 1'999'999))->count(), 1);
  EXPECT_EQ(DecodeSpan(Span(0, -1))->count(), -1);
  EXPECT_EQ(DecodeSpan(Span(-1, -1))->count(), -1001);
}

TEST(EventParts, MalformedSpanIsRefused) {
  constexpr auto kCode = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(DecodeSpan(Span(INT64_MAX, 0)), StatusIs(kCode, "10,000 years"));
  EXPECT_THAT(DecodeSpan(Span(INT64_MIN, 0)), StatusIs(kCode, "10,000 years"));
  EXPECT_THAT(DecodeSpan(Span(1, -1)), StatusIs(kCode, "sign"));
  EXPECT_THAT(DecodeSpan(Span(-1, 1)), StatusIs(kCode, "sign"));
  EXPECT_THAT(DecodeSpan(Span(0, 1'000'000'000)), StatusIs(kCode));
  EXPECT_THAT(DecodeSpan(Span(0, INT32_MIN)), StatusIs(kCode));
}

}  // namespace
}  // namespace alertjoin
