#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace alertjoin {

// A span of time with the resolution of the whole system.
using Millis = std::chrono::milliseconds;

// A moment, in whole milliseconds since the Unix epoch (negative before it). There is no implicit
// way to or from an integer. Values stay within years 1 to 9999, so differences never overflow.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  static constexpr Timestamp FromMillis(int64_t ms) { return Timestamp(ms); }
  // 1 January of year 1 and 31 December of year 9999: no event lies outside.
  static constexpr Timestamp Min() { return Timestamp(-62135596800000); }
  static constexpr Timestamp Max() { return Timestamp(253402300799999); }

  constexpr int64_t millis() const { return ms_; }

  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
  friend constexpr Timestamp operator+(Timestamp time, Millis span) {
    return Timestamp(time.ms_ + span.count());
  }
  friend constexpr Timestamp operator-(Timestamp time, Millis span) {
    return Timestamp(time.ms_ - span.count());
  }
  friend constexpr Millis operator-(Timestamp later, Timestamp earlier) {
    return Millis(later.ms_ - earlier.ms_);
  }

 private:
  explicit constexpr Timestamp(int64_t ms) : ms_(ms) {}
  int64_t ms_ = 0;
};

}  // namespace alertjoin
