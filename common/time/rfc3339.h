#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Parses an RFC 3339 date-time: any offset or `Z` (either case), 0 to 9 fractional digits, years 1
// to 9999. The result is floored to milliseconds. INVALID_ARGUMENT for everything else: no zone,
// surrounding spaces, a day that the month does not have, hour 24, second 60, more digits.
absl::StatusOr<Timestamp> ParseRfc3339(std::string_view text);

// Formats in UTC with exactly three fractional digits: 2026-03-01T10:00:12.345Z.
std::string FormatRfc3339(Timestamp time);

}  // namespace alertjoin
