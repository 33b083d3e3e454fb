#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

#include "common/time/clock.h"

namespace alertjoin {

// Takes RocksDB's own messages about the database in `folder`: warnings and errors go to the
// process's log, the others nowhere. Of each kind one in ten seconds at most, which says how many
// were left out before it: a sick disk makes very many. Not to the file LOG, as is usual: its
// writer aborts the process when it is used once more after a failed write
// (file/writable_file_writer.h, AssertFalseAndGetStatusForPrevError, in RocksDB 7.8 built with
// assertions, as Debian's is), and RocksDB uses it to say that the disk is full. Thread-safe. The
// clock must outlive the logger.
std::shared_ptr<rocksdb::Logger> MakeRocksdbLogger(const std::string& folder,
                                                   const Clock& clock = SystemClock());

}  // namespace alertjoin
