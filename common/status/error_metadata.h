#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace alertjoin {

// The status with one more piece of metadata in its detail; one without a detail as it is.
absl::Status WithMetadata(const absl::Status& status, std::string_view key, std::string_view value);

}  // namespace alertjoin
