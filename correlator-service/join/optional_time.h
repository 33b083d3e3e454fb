#pragma once

#include <optional>

#include "common/time/timestamp.h"

namespace alertjoin {

// A moment or none, in the size of a moment: for what is kept by the million. It converts from and
// to std::optional, which is for everything else.
class OptionalTime {
 public:
  constexpr OptionalTime() = default;
  constexpr OptionalTime(Timestamp time) : time_(time) {}
  constexpr OptionalTime(std::optional<Timestamp> time) : time_(time.value_or(kNone)) {}

  constexpr bool has_value() const { return time_ != kNone; }
  constexpr explicit operator bool() const { return has_value(); }
  // REQUIRES: has_value().
  constexpr Timestamp operator*() const { return time_; }
  constexpr operator std::optional<Timestamp>() const {
    return has_value() ? std::optional(time_) : std::nullopt;
  }

  constexpr void reset() { time_ = kNone; }

 private:
  // Before all that there are.
  static constexpr Timestamp kNone = Timestamp::Min() - Millis(1);

  Timestamp time_ = kNone;
};

}  // namespace alertjoin
