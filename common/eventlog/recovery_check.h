#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/eventlog/log_database.h"

namespace alertjoin {

// Looks, before a database is opened for writing, whether opening it would lose records that were
// acknowledged. Changes nothing, so that what is damaged stays as it was found. What it finds
// beyond RocksDB's own checks:
//  - tables or write-ahead logs without the file CURRENT: RocksDB would take the folder for a new
//    database and delete them;
//  - a table with records beyond the last one that the MANIFEST leads to: a damaged length in it
//    hides what follows, tables as well as families;
//  - a damaged length in the last block of a write-ahead log: to RocksDB the same as a record that
//    was being written when the machine stopped, so it would drop that one and every record behind
//    it. The durable marks behind (stored_record.h) tell the two apart, all but for the very last
//    write.
// DATA_LOSS, reason LOG_DAMAGED, with the place; other errors as LogDatabase. A folder without a
// database passes. REQUIRES: no process has the database open.
absl::Status CheckRecoverable(const LogDatabaseOptions& options);

}  // namespace alertjoin
