#include "common/net/backoff.h"

#include <algorithm>

#include "common/status/status.h"

namespace alertjoin {

Backoff::Backoff(Millis initial, Millis cap, uint64_t seed)
    : initial_(initial), cap_(cap), current_(initial), random_(seed) {
  CHECK(initial > Millis(0) && initial <= cap);
}

Millis Backoff::Next() {
  std::uniform_int_distribution<int64_t> delay_ms(current_.count() / 2, current_.count());
  const Millis delay(delay_ms(random_));
  current_ = std::min(current_ * 2, cap_);
  return delay;
}

}  // namespace alertjoin
