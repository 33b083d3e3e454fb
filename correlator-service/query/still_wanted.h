#pragma once

#include <functional>

#include "absl/status/status.h"

namespace alertjoin {

// Whether somebody still waits for an answer that is being made: CANCELLED or DEADLINE_EXCEEDED
// when not. What may take long asks between its parts, and ends with what it is told. Thread-safe.
using StillWanted = std::function<absl::Status()>;

// By somebody who has all the time.
inline absl::Status AlwaysWanted() { return absl::OkStatus(); }

}  // namespace alertjoin
