#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace alertjoin {

// The bodies of notifications as events carry them: the alerts of a group say much the same, so
// that they take a fraction of their length as an LZ4 block, which costs less time than to write
// the rest to disk. Thread-safe.

// How many times as long as what is packed a body may be: so much more memory than it sends may a
// producer have taken.
constexpr size_t kUnpackedTimesMax = 16;

// The body packed, to no less than kUnpackedTimesMax allows; empty when that would not save at
// least an eighth of it, or it is longer than kRawPayloadBytesMax.
std::string PackBody(std::string_view body);

// The body of `body_bytes` bytes. INVALID_ARGUMENT, reason MALFORMED_EVENT, when that is none, more
// than kRawPayloadBytesMax, or more than kUnpackedTimesMax allows, which is found out before any
// memory is taken, or when what was packed is something else.
absl::StatusOr<std::string> UnpackBody(std::string_view packed, size_t body_bytes);

}  // namespace alertjoin
