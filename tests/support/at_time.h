#pragma once

#include <cstdint>

#include "common/time/timestamp.h"

namespace alertjoin {

// Milliseconds since the epoch: times that a test can write down.
inline Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

}  // namespace alertjoin
