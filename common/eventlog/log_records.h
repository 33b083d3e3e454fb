#pragma once

// How records are read from the database of an event log. Thread-safe. Errors of both: DATA_LOSS,
// reason LOG_DAMAGED, with the position or the file, when a record is missing or damaged;
// FAILED_PRECONDITION, reason LOG_FORMAT_UNKNOWN, for one in an unknown format; UNAVAILABLE when it
// cannot be read.

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"
#include "common/eventlog/log_database.h"

namespace alertjoin {

// Up to `records_max` records from `from` on up to, not including, `next`: as many as fit into
// `bytes_max` but at least one when there is one. Records that are trimmed meanwhile are missing:
// only who looks at the bounds afterwards can tell.
absl::StatusOr<EventLog::Chunk> ReadRecords(LogDatabase& database, LogPosition from,
                                            LogPosition next, size_t records_max, size_t bytes_max);

// Counted bytes (stored_record.h) of all records that ever were before the one at `position`.
absl::StatusOr<uint64_t> BytesBeforeRecord(LogDatabase& database, LogPosition position);

}  // namespace alertjoin
