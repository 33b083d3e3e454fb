#pragma once

#include <cstdint>
#include <random>

#include "common/time/timestamp.h"

namespace alertjoin {

// Exponential backoff with jitter: each delay is drawn from [d/2, d], where d doubles from
// `initial` up to `cap`. Not thread-safe.
class Backoff {
 public:
  Backoff(Millis initial, Millis cap, uint64_t seed);
  Millis Next();
  // After a success: starts over.
  void Reset() { current_ = initial_; }

 private:
  const Millis initial_;
  const Millis cap_;
  Millis current_;
  std::mt19937_64 random_;
};

}  // namespace alertjoin
