#include "common/time/clock.h"

namespace alertjoin {
namespace {

class MachineClock final : public Clock {
 public:
  Timestamp Now() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp::FromMillis(std::chrono::floor<Millis>(since_epoch).count());
  }
  Steady SteadyNow() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace alertjoin
