#include "common/eventlog/durable_folder.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "common/log/log.h"

namespace alertjoin {
namespace {

std::string Above(const std::string& folder) {
  const std::string above = std::filesystem::path(folder).parent_path().string();
  return above.empty() ? "." : above;
}

// By the text of the error, since RocksDB keeps no number: EINVAL or EROFS.
bool IsNotSupported(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return text.find("Invalid argument") != text.npos ||
         text.find("Read-only file system") != text.npos;
}

// Makes the name of the folder durable. `was_there`: it was not made just now.
rocksdb::Status SyncName(rocksdb::Env& env, const std::string& folder, bool was_there) {
  const std::string above = Above(folder);
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env.NewDirectory(above, &directory);
  if (!status.ok() && was_there) {
    // Who may not open it did not make anything durable in it, either: others did.
    LogWarn("the folder above cannot be opened, to sync the name of one that is there in it",
            {{"folder", folder}, {"error", status.ToString()}});
    return rocksdb::Status::OK();
  }
  if (status.ok()) status = directory->Fsync();
  // Nor did anybody in a folder of a file system that is read-only, or syncs no folders.
  if (status.ok() || (was_there && IsNotSupported(status))) return rocksdb::Status::OK();
  return rocksdb::Status::IOError(fmt::format("{}: cannot be synced", above), status.ToString());
}

}  // namespace

rocksdb::Status MakeDurableFolder(rocksdb::Env& env, const std::string& folder) {
  const bool was_there = env.FileExists(folder).ok();
  // Also when it is there: it may be no folder.
  const rocksdb::Status made = env.CreateDirIfMissing(folder);
  return made.ok() ? SyncName(env, folder, was_there) : made;
}

rocksdb::Status MakeDurableFolders(rocksdb::Env& env, const std::string& folder) {
  std::string path = folder;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  // From the last one that is there.
  std::vector<std::string> folders = {path};
  while (!env.FileExists(folders.back()).ok()) {
    std::string above = Above(folders.back());
    if (above == "/" || above == ".") break;
    folders.push_back(std::move(above));
  }
  for (auto next = folders.rbegin(); next != folders.rend(); ++next) {
    rocksdb::Status status = MakeDurableFolder(env, *next);
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

absl::Status MakeDurableFolders(const std::string& folder) {
  const rocksdb::Status made = MakeDurableFolders(*rocksdb::Env::Default(), folder);
  if (made.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{}: cannot be made, or not durably: {}", folder, made.ToString()));
}

}  // namespace alertjoin
