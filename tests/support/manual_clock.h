#pragma once

#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace alertjoin {

// A clock that moves only when told to. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : now_(start) {}
  Timestamp Now() const override;
  Steady SteadyNow() const override;
  void Advance(Millis span);

 private:
  mutable Mutex mutex_;
  Timestamp now_ GUARDED_BY(mutex_);
  Millis advanced_ GUARDED_BY(mutex_){0};
};

}  // namespace alertjoin
