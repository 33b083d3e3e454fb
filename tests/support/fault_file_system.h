#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "tests/support/fault_disk.h"

namespace alertjoin {

// RocksDB's environment over the files of `disk`. Nobody sleeps in it (RocksDB's threads would,
// after an error), and RocksDB's own log goes nowhere.
std::shared_ptr<rocksdb::Env> EnvOver(std::shared_ptr<FaultDisk> disk);

}  // namespace alertjoin
