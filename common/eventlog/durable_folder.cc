#include "common/eventlog/durable_folder.h"

#include <filesystem>
#include <memory>

namespace alertjoin {

rocksdb::Status MakeDurableFolder(rocksdb::Env& env, const std::string& folder) {
  if (env.FileExists(folder).ok()) return rocksdb::Status::OK();
  rocksdb::Status status = env.CreateDirIfMissing(folder);
  const std::string parent = std::filesystem::path(folder).parent_path().string();
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(parent.empty() ? "." : parent, &directory);
  if (status.ok()) status = directory->Fsync();
  return status;
}

}  // namespace alertjoin
