#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// How far the alerts' history of each metrics source has been read and decided upon, by the name of
// the source.
using ReconcileState = std::map<std::string, Timestamp>;

// Reads the file that WriteReconcileState has written; an empty state when there is none.
// DATA_LOSS when it is not of that form, UNAVAILABLE when it cannot be read.
absl::StatusOr<ReconcileState> ReadReconcileState(const std::string& path);

// Replaces the file, whole or not at all, after a power cut too: what fired and ended while the
// machine was down is found from there. UNAVAILABLE when it cannot be written.
absl::Status WriteReconcileState(const std::string& path, const ReconcileState& state);

}  // namespace alertjoin
