#pragma once

#include <chrono>

#include "common/time/timestamp.h"

namespace alertjoin {

// Where the time comes from; handed in, so that a test owns it. Thread-safe.
class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  // Wall-clock time: for times that leave the process.
  virtual Timestamp Now() const = 0;
  // Monotonic time: for deadlines and intervals.
  virtual Steady SteadyNow() const = 0;
};

// The clock of the machine. Lives as long as the process.
const Clock& SystemClock();

}  // namespace alertjoin
