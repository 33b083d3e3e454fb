#include "tests/support/fault_file_system.h"

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <string>
#include <utility>
#include <vector>

namespace alertjoin {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using DiskPtr = std::shared_ptr<FaultDisk>;

// RocksDB asks with "folder/" and with doubled slashes now and then.
std::string Clean(const std::string& path) {
  std::string clean;
  for (const char c : path) {
    if (c != '/' || !clean.ends_with('/')) clean.push_back(c);
  }
  if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(DiskPtr disk, FaultDisk::FilePtr file)
      : disk_(std::move(disk)), file_(std::move(file)), generation_(disk_->generation()) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    IOStatus status = disk_->Read(*file_, generation_, offset_, n, result, scratch);
    if (status.ok()) offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  const DiskPtr disk_;
  const FaultDisk::FilePtr file_;
  const uint64_t generation_;
  uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(DiskPtr disk, FaultDisk::FilePtr file)
      : disk_(std::move(disk)), file_(std::move(file)), generation_(disk_->generation()) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return disk_->Read(*file_, generation_, offset, n, result, scratch);
  }

 private:
  const DiskPtr disk_;
  const FaultDisk::FilePtr file_;
  const uint64_t generation_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(DiskPtr disk, FaultDisk::FilePtr file, std::string path)
      : disk_(std::move(disk)),
        file_(std::move(file)),
        path_(std::move(path)),
        generation_(disk_->generation()) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    return disk_->Append(*file_, path_, generation_, {bytes.data(), bytes.size()});
  }
  IOStatus Truncate(uint64_t bytes, const IOOptions&, IODebugContext*) override {
    return disk_->Truncate(path_, bytes);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return disk_->Sync(*file_, path_, generation_);
  }
  // Starts the writing and promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return disk_->SizeOf(*file_); }

 private:
  const DiskPtr disk_;
  const FaultDisk::FilePtr file_;
  const std::string path_;
  const uint64_t generation_;
};

class Folder final : public rocksdb::FSDirectory {
 public:
  Folder(DiskPtr disk, std::string path)
      : disk_(std::move(disk)), path_(std::move(path)), generation_(disk_->generation()) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return disk_->SyncFolder(path_, generation_);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  const DiskPtr disk_;
  const std::string path_;
  const uint64_t generation_;
};

struct HeldLock final : public rocksdb::FileLock {
  std::string path;
};

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

class FaultFileSystem final : public rocksdb::FileSystem {
 public:
  explicit FaultFileSystem(DiskPtr disk) : disk_(std::move(disk)) {}
  const char* Name() const override { return "FaultFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext*) override {
    FaultDisk::FilePtr file;
    IOStatus status = disk_->Open(Clean(path), &file);
    if (status.ok()) *result = std::make_unique<SequentialFile>(disk_, file);
    return status;
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext*) override {
    FaultDisk::FilePtr file;
    IOStatus status = disk_->Open(Clean(path), &file);
    if (status.ok()) *result = std::make_unique<RandomAccessFile>(disk_, file);
    return status;
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext*) override {
    FaultDisk::FilePtr file;
    IOStatus status = disk_->Create(Clean(path), &file);
    if (status.ok()) *result = std::make_unique<WritableFile>(disk_, file, Clean(path));
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override {
    *result = std::make_unique<Folder>(disk_, Clean(path));
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    *result = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (disk_->HasFolder(Clean(path))) return IOStatus::OK();
    FaultDisk::FilePtr file;
    return disk_->Open(Clean(path), &file).ok() ? IOStatus::OK() : IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& folder, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    return disk_->Children(Clean(folder), names);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* bytes,
                       IODebugContext*) override {
    FaultDisk::FilePtr file;
    IOStatus status = disk_->Open(Clean(path), &file);
    if (status.ok()) *bytes = disk_->SizeOf(*file);
    return status;
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time_s,
                                   IODebugContext*) override {
    *time_s = 0;
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                           IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("GetTestDirectory");
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_folder,
                       IODebugContext*) override {
    *is_folder = disk_->HasFolder(Clean(path));
    return IOStatus::OK();
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return disk_->AddFolder(Clean(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return disk_->AddFolder(Clean(path));
  }
  IOStatus DeleteDir(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("DeleteDir");
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return disk_->Delete(Clean(path));
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return disk_->Rename(Clean(from), Clean(to));
  }
  IOStatus Truncate(const std::string& path, size_t bytes, const IOOptions&,
                    IODebugContext*) override {
    return disk_->Truncate(Clean(path), bytes);
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** result,
                    IODebugContext*) override {
    if (!disk_->Lock(Clean(path))) return IOStatus::IOError("lock is held", path);
    auto lock = std::make_unique<HeldLock>();
    lock->path = Clean(path);
    *result = lock.release();
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    // What LockFile gave away.
    const std::unique_ptr<HeldLock> held(static_cast<HeldLock*>(lock));
    disk_->Unlock(held->path);
    return IOStatus::OK();
  }

 private:
  const DiskPtr disk_;
};

class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int) override {}
};

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    // A database takes these two, not the functions of the environment.
    file_system_ = files;
    system_clock_ = std::make_shared<SleeplessClock>();
  }
};

}  // namespace

std::shared_ptr<rocksdb::Env> EnvOver(std::shared_ptr<FaultDisk> disk) {
  return std::make_shared<FaultEnv>(std::make_shared<FaultFileSystem>(std::move(disk)));
}

}  // namespace alertjoin
