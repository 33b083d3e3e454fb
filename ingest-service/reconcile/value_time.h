#pragma once

#include <cmath>

#include "common/time/timestamp.h"

namespace alertjoin {

// Samples that are times, in seconds since the epoch, such as those of ALERTS_FOR_STATE: exact to
// the millisecond for centuries.

// Whether it is one at all: a number, and not further away than some three thousand years.
inline bool IsValueTime(double seconds) {
  return std::isfinite(seconds) && std::abs(seconds) < 1e11;
}

// REQUIRES: IsValueTime(seconds).
inline Timestamp ValueTime(double seconds) {
  return Timestamp::FromMillis(std::llround(seconds * 1000));
}

}  // namespace alertjoin
