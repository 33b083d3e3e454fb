#include "tests/support/manual_clock.h"

namespace alertjoin {

Timestamp ManualClock::Now() const {
  MutexLock lock(mutex_);
  return now_;
}

Clock::Steady ManualClock::SteadyNow() const {
  MutexLock lock(mutex_);
  return Steady() + std::chrono::hours(1) + advanced_;
}

void ManualClock::Advance(Millis span) {
  MutexLock lock(mutex_);
  now_ = now_ + span;
  advanced_ += span;
}

}  // namespace alertjoin
