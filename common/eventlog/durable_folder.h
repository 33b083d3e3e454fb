#pragma once

#include <string>

#include "absl/status/status.h"

namespace rocksdb {
class Env;
class Status;
}  // namespace rocksdb

namespace alertjoin {

// Folders that are there after a power cut: each is made and then synced into the folder above
// before anything is made in it. So of a path only the last folder that is there may have been left
// unsynced, by a process that died in between: that one is always synced again. Where the folder
// above may not be opened, a folder that was there already is taken as it is, with a warning.

// Makes the folder of a database when it is missing. The folder that it lies in must be there.
rocksdb::Status MakeDurableFolder(rocksdb::Env& env, const std::string& folder);

// The same with all folders above that are missing, too.
rocksdb::Status MakeDurableFolders(rocksdb::Env& env, const std::string& folder);
// On the disk of the machine. UNAVAILABLE, with the folder concerned and why.
absl::Status MakeDurableFolders(const std::string& folder);

}  // namespace alertjoin
