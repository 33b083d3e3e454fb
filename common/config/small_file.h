#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace alertjoin {

// Largest file that ReadSmallFile takes.
constexpr size_t kSmallFileBytesMax = 1 << 20;

// All of a regular file, such as one that holds a password. FAILED_PRECONDITION, with the path,
// when it cannot be read, is no regular file (a pipe might never end) or is too large.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace alertjoin
