#pragma once

#include "absl/status/status.h"
#include "common/eventlog/log_database.h"

namespace alertjoin {

// Makes the folder of an event log, durably, when it is missing, and checks what is there
// (CheckRecoverable) while no process has the database open. FAILED_PRECONDITION, reason
// LOG_IN_USE, when one has; DATA_LOSS, reason LOG_DAMAGED, when opening it would lose records;
// UNAVAILABLE for any other I/O error. REQUIRES: options.env.
absl::Status PrepareLogFolder(const LogDatabaseOptions& options);

}  // namespace alertjoin
