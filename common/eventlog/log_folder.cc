#include "common/eventlog/log_folder.h"

#include <fmt/format.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/eventlog/recovery_check.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// Makes the folder when it is missing, durably.
absl::Status MakeFolder(rocksdb::Env& env, const std::string& folder) {
  if (env.FileExists(folder).ok()) return absl::OkStatus();
  rocksdb::Status status = env.CreateDirIfMissing(folder);
  const std::string parent = std::filesystem::path(folder).parent_path().string();
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(parent.empty() ? "." : parent, &directory);
  if (status.ok()) status = directory->Fsync();
  if (!status.ok()) return LogDatabase::ErrorOf(folder, "cannot be made", status);
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareLogFolder(const LogDatabaseOptions& options) {
  RETURN_IF_ERROR(MakeFolder(*options.env, options.folder));
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
