#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Parses a moment as people write it on a command line or in a configuration:
//   2026-03-01T10:00:00Z                           RFC 3339 (rfc3339.h)
//   1772000000, 1772000000.25, 1772000000000       Unix time: seconds, with a fraction if need be;
//                                                  from 100,000,000,000 on, milliseconds
//   now, now-30d, now-1d-6h, now+5m                `now`, moved by durations (duration.h)
//   now/d, now-1w/w                                and rounded down, in UTC, to the beginning of
//                                                  its s, m, h, d, w (Monday), M or y
// Moves and roundings are done from left to right. (100,000,000,000 s lie in the year 5138, and as
// many ms in 1973, before there were metrics.) INVALID_ARGUMENT for everything else, and for what
// lies outside of the years 1 to 9999.
absl::StatusOr<Timestamp> ParseTimePoint(std::string_view text, Timestamp now);

}  // namespace alertjoin
