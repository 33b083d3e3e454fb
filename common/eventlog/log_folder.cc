#include "common/eventlog/log_folder.h"

#include <fmt/format.h>
#include <rocksdb/env.h>

#include <string>

#include "common/eventlog/durable_folder.h"
#include "common/eventlog/recovery_check.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {

absl::Status PrepareLogFolder(const LogDatabaseOptions& options) {
  const rocksdb::Status made = MakeDurableFolder(*options.env, options.folder);
  if (!made.ok()) return LogDatabase::ErrorOf(options.folder, "cannot be made", made);
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = options.env->LockFile(options.folder + "/LOCK", &lock);
  if (!locked.ok()) {
    return MakeError(
        "LOG_IN_USE",
        fmt::format("event log {}: cannot be locked: {}: stop the process that has it open, or "
                    "give this one a folder of its own",
                    options.folder, locked.ToString()));
  }
  absl::Status checked = CheckRecoverable(options);
  // RocksDB takes the lock anew.
  options.env->UnlockFile(lock).PermitUncheckedError();
  return checked;
}

}  // namespace alertjoin
