#pragma once

#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <string>

namespace alertjoin {

// Makes the folder of a database when it is missing, so that it is there after a power cut. The
// folder that it lies in must be there. OK when it is there already.
rocksdb::Status MakeDurableFolder(rocksdb::Env& env, const std::string& folder);

}  // namespace alertjoin
