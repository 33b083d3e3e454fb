#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Parses a duration as Prometheus writes it: `1h30m`, `15s`, `500ms`, `1w`, `0`. Units y w d h m s
// ms, each at most once, largest first; a year is 365 days. INVALID_ARGUMENT otherwise, for
// negative ones and above 10,000 years too.
// Source: prometheus/common model/time.go.
absl::StatusOr<Millis> ParseDuration(std::string_view text);

// The shortest text that ParseDuration reads back: `1h30m`. REQUIRES: not negative.
std::string FormatDuration(Millis span);

}  // namespace alertjoin
