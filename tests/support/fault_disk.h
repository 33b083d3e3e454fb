#pragma once

#include <rocksdb/io_status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/sync/mutex.h"

namespace alertjoin {

// A step that changes what is on the disk.
struct FileOperation {
  enum class Kind {
    kCreate,
    kCreateFolder,
    kAppend,
    kSync,
    kSyncFolder,
    kRename,
    kDelete,
    kTruncate
  };
  Kind kind;
  std::string path;

  bool IsSync() const { return kind == Kind::kSync || kind == Kind::kSyncFolder; }
  bool IsWal() const { return path.ends_with(".log"); }
};

// What a thread of RocksDB 7.8 does that cannot fail in a test: an assertion of RocksDB would end
// the process, of which Debian's package has them on. Of the thread that made it.
class RocksdbsOwn {
 public:
  bool Matches(const FileOperation& operation) const {
    return IsWalSync(operation) || IsOfCompaction(operation);
  }
  // Syncs of write-ahead logs by other threads. They repeat syncs of closed logs that were done
  // before. The assertion fails when the database's next sync meets the failed one before anybody
  // was told of it (file/writable_file_writer.h, AssertFalseAndGetStatusForPrevError).
  bool IsWalSync(const FileOperation& operation) const {
    return operation.IsSync() && operation.IsWal() && std::this_thread::get_id() != own_;
  }
  // Writes of a compaction's new table. The assertion fails when that has nothing in it, since all
  // that went in were removals of ranges (db/dbformat.h, ExtractUserKey, by SmallestUserKey).
  static bool IsOfCompaction(const FileOperation& operation);

 private:
  const std::thread::id own_ = std::this_thread::get_id();
};

// Files in memory that keep what was synced and lose, tear, damage or refuse the rest as a test
// says; RocksDB uses them through fault_file_system.h. Thread-safe. As harsh as a disk may be:
//  - the bytes of a file are durable once it has been synced; a name (created, renamed, deleted; a
//    folder's too), once the folder that it is in has been synced; a folder that is not durable is
//    lost with all that is in it. Folders that nobody made are there;
//  - a failed append has written half of its bytes;
//  - after a failed sync the bytes not synced by then never become durable, whatever later syncs of
//    the same file say.
class FaultDisk {
 public:
  // Asked before each operation, without a lock; what it returns other than OK is the failure of
  // that operation. It may wait.
  using Hook = std::function<rocksdb::IOStatus(const FileOperation&)>;
  // How many of the `unsynced` bytes of a file happen to be on the disk when the power goes.
  using Kept = std::function<size_t(const std::string& path, size_t unsynced)>;
  struct File {  // Guarded by the disk's mutex.
    std::string bytes;
    size_t synced = 0;
    bool sync_failed = false;
  };
  using FilePtr = std::shared_ptr<File>;

  // For tests.
  void SetHook(Hook hook) EXCLUDES_LOCK(mutex_);
  // From now on every operation fails, reads as well; RocksdbsOwn::IsOfCompaction does nothing.
  void CutPower() EXCLUDES_LOCK(mutex_);
  // Power is back, the hook is gone, and the files are what was durable, each with the first `kept`
  // of its further bytes. Handles from before stay dead.
  void RestorePower(const Kept& kept = {}) EXCLUDES_LOCK(mutex_);
  // The process was killed, the machine was not: as RestorePower, but everything written is there.
  void KillProcess() EXCLUDES_LOCK(mutex_);
  // Paths that end so, in order.
  std::vector<std::string> PathsOf(const std::string& suffix) const EXCLUDES_LOCK(mutex_);
  // What these three do is durable. REQUIRES: the file is there.
  std::string ContentOf(const std::string& path) const EXCLUDES_LOCK(mutex_);
  void SetContent(const std::string& path, std::string content) EXCLUDES_LOCK(mutex_);
  void Remove(const std::string& path) EXCLUDES_LOCK(mutex_);
  // All files, to go back to with SetFiles, which also does what KillProcess does.
  std::map<std::string, std::string> Files() const EXCLUDES_LOCK(mutex_);
  void SetFiles(const std::map<std::string, std::string>& files) EXCLUDES_LOCK(mutex_);

  // For the file system. A handle belongs to the generation in which it was opened.
  uint64_t generation() const EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Open(const std::string& path, FilePtr* file) const EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Create(const std::string& path, FilePtr* file) EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Read(const File& file, uint64_t generation, uint64_t offset, size_t n,
                         rocksdb::Slice* result, char* scratch) const EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Append(File& file, const std::string& path, uint64_t generation,
                           std::string_view bytes) EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Sync(File& file, const std::string& path, uint64_t generation)
      EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus SyncFolder(const std::string& folder, uint64_t generation)
      EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Delete(const std::string& path) EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Rename(const std::string& from, const std::string& to) EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Truncate(const std::string& path, size_t bytes) EXCLUDES_LOCK(mutex_);
  uint64_t SizeOf(const File& file) const EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Children(const std::string& folder, std::vector<std::string>* names) const
      EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus AddFolder(const std::string& path) EXCLUDES_LOCK(mutex_);
  bool HasFolder(const std::string& path) const EXCLUDES_LOCK(mutex_);
  // False when it is held already.
  bool Lock(const std::string& path) EXCLUDES_LOCK(mutex_);
  void Unlock(const std::string& path) EXCLUDES_LOCK(mutex_);

 private:
  // Asks the hook, then whether there is power for a handle of `generation`.
  rocksdb::IOStatus Before(FileOperation::Kind kind, const std::string& path, uint64_t generation)
      EXCLUDES_LOCK(mutex_);
  rocksdb::IOStatus Alive(uint64_t generation) const REQUIRES_LOCK(mutex_);
  bool IsLost(FileOperation::Kind kind, const std::string& path, uint64_t generation) const
      REQUIRES_LOCK(mutex_);
  void Restart() REQUIRES_LOCK(mutex_);
  // Whether the folder, or one that it lies in, was made and is not durable.
  bool LosesFolder(std::string path) const REQUIRES_LOCK(mutex_);

  mutable Mutex mutex_;
  Hook hook_ GUARDED_BY(mutex_);
  bool power_ GUARDED_BY(mutex_) = true;
  uint64_t generation_ GUARDED_BY(mutex_) = 1;  // Of the handles that are alive.
  std::map<std::string, FilePtr> names_ GUARDED_BY(mutex_);
  std::map<std::string, FilePtr> durable_names_ GUARDED_BY(mutex_);
  std::set<std::string> folders_ GUARDED_BY(mutex_);
  std::set<std::string> durable_folders_ GUARDED_BY(mutex_);
  std::set<std::string> locked_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
