#include "tests/support/fault_disk.h"

#include <pthread.h>
#include <rocksdb/slice.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <utility>

namespace alertjoin {
namespace {

using rocksdb::IOStatus;
using Kind = FileOperation::Kind;

std::string FolderOf(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}
std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

IOStatus Missing(const std::string& path) {
  return IOStatus::PathNotFound("no such file or directory", path);
}

}  // namespace

bool RocksdbsOwn::IsOfCompaction(const FileOperation& operation) {
  if (operation.kind != Kind::kAppend && operation.kind != Kind::kSync) return false;
  if (!operation.path.ends_with(".sst")) return false;
  char thread[16] = {};  // The limit of Linux.
  return pthread_getname_np(pthread_self(), thread, sizeof(thread)) == 0 &&
         std::string_view(thread) == "rocksdb:low";
}

void FaultDisk::SetHook(Hook hook) {
  MutexLock lock(mutex_);
  hook_ = std::move(hook);
}

void FaultDisk::CutPower() {
  MutexLock lock(mutex_);
  power_ = false;
}

void FaultDisk::RestorePower(const Kept& kept) {
  MutexLock lock(mutex_);
  for (auto entry = durable_names_.begin(); entry != durable_names_.end();) {
    entry = LosesFolder(FolderOf(entry->first)) ? durable_names_.erase(entry) : std::next(entry);
  }
  names_ = durable_names_;
  std::set<std::string> lost;
  for (const std::string& path : folders_) {
    if (LosesFolder(path)) lost.insert(path);
  }
  for (const std::string& path : lost) {
    folders_.erase(path);
    durable_folders_.erase(path);
  }
  for (const auto& [path, file] : names_) {
    const size_t unsynced = file->bytes.size() - file->synced;
    file->bytes.resize(file->synced + (kept ? std::min(kept(path, unsynced), unsynced) : 0));
  }
  Restart();
}

bool FaultDisk::LosesFolder(std::string path) const {
  for (; path != "/"; path = FolderOf(path)) {
    if (folders_.contains(path) && !durable_folders_.contains(path)) return true;
  }
  return false;
}

void FaultDisk::KillProcess() {
  MutexLock lock(mutex_);
  Restart();
}

void FaultDisk::Restart() {
  // What old handles do is not to be seen in the files.
  for (auto& [path, file] : names_) {
    const auto durable = durable_names_.find(path);
    const bool same = durable != durable_names_.end() && durable->second == file;
    file = std::make_shared<File>(*file);
    if (same) durable->second = file;
  }
  ++generation_;
  power_ = true;
  hook_ = {};
  locked_.clear();
}

std::vector<std::string> FaultDisk::PathsOf(const std::string& suffix) const {
  MutexLock lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, file] : names_) {
    if (path.ends_with(suffix)) paths.push_back(path);
  }
  return paths;
}

std::string FaultDisk::ContentOf(const std::string& path) const {
  MutexLock lock(mutex_);
  return names_.at(path)->bytes;
}

void FaultDisk::SetContent(const std::string& path, std::string content) {
  MutexLock lock(mutex_);
  File& file = *names_.at(path);
  file.bytes = std::move(content);
  file.synced = file.bytes.size();
}

void FaultDisk::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  names_.erase(path);
  durable_names_.erase(path);
}

std::map<std::string, std::string> FaultDisk::Files() const {
  MutexLock lock(mutex_);
  std::map<std::string, std::string> files;
  for (const auto& [path, file] : names_) files[path] = file->bytes;
  return files;
}

void FaultDisk::SetFiles(const std::map<std::string, std::string>& files) {
  MutexLock lock(mutex_);
  names_.clear();
  folders_.clear();
  for (const auto& [path, bytes] : files) {
    folders_.insert(FolderOf(path));
    names_[path] = std::make_shared<File>(File{bytes, bytes.size(), false});
  }
  durable_names_ = names_;
  durable_folders_ = folders_;
  Restart();
}

IOStatus FaultDisk::Before(Kind kind, const std::string& path, uint64_t generation) {
  Hook hook;
  {
    MutexLock lock(mutex_);
    IOStatus alive = Alive(generation);
    if (!alive.ok()) return alive;
    hook = hook_;
  }
  if (hook) {
    IOStatus status = hook({kind, path});
    if (!status.ok()) return status;
  }
  MutexLock lock(mutex_);
  return Alive(generation);
}

IOStatus FaultDisk::Alive(uint64_t generation) const {
  if (power_ && generation == generation_) return IOStatus::OK();
  return IOStatus::IOError("the power is off");
}

bool FaultDisk::IsLost(Kind kind, const std::string& path, uint64_t generation) const {
  return !Alive(generation).ok() && RocksdbsOwn::IsOfCompaction({kind, path});
}

uint64_t FaultDisk::generation() const {
  MutexLock lock(mutex_);
  return generation_;
}

IOStatus FaultDisk::Open(const std::string& path, FilePtr* file) const {
  MutexLock lock(mutex_);
  IOStatus alive = Alive(generation_);
  if (!alive.ok()) return alive;
  const auto it = names_.find(path);
  if (it == names_.end()) return Missing(path);
  *file = it->second;
  return IOStatus::OK();
}

IOStatus FaultDisk::Create(const std::string& path, FilePtr* file) {
  IOStatus status = Before(Kind::kCreate, path, generation());
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  *file = names_[path] = std::make_shared<File>();
  return IOStatus::OK();
}

IOStatus FaultDisk::Read(const File& file, uint64_t generation, uint64_t offset, size_t n,
                         rocksdb::Slice* result, char* scratch) const {
  MutexLock lock(mutex_);
  IOStatus alive = Alive(generation);
  if (!alive.ok()) return alive;
  const std::string& bytes = file.bytes;
  const size_t count = offset < bytes.size() ? std::min<size_t>(n, bytes.size() - offset) : 0;
  if (count > 0) std::memcpy(scratch, bytes.data() + offset, count);
  *result = rocksdb::Slice(scratch, count);
  return IOStatus::OK();
}

IOStatus FaultDisk::Append(File& file, const std::string& path, uint64_t generation,
                           std::string_view bytes) {
  IOStatus status = Before(Kind::kAppend, path, generation);
  MutexLock lock(mutex_);
  if (IsLost(Kind::kAppend, path, generation)) return IOStatus::OK();
  if (generation != generation_) return status;
  file.bytes.append(status.ok() ? bytes : bytes.substr(0, bytes.size() / 2));
  return status;
}

IOStatus FaultDisk::Sync(File& file, const std::string& path, uint64_t generation) {
  IOStatus status = Before(Kind::kSync, path, generation);
  MutexLock lock(mutex_);
  if (IsLost(Kind::kSync, path, generation)) return IOStatus::OK();
  if (!status.ok()) {
    file.sync_failed = true;
  } else if (!file.sync_failed) {
    file.synced = file.bytes.size();
  }
  return status;
}

IOStatus FaultDisk::SyncFolder(const std::string& folder, uint64_t generation) {
  IOStatus status = Before(Kind::kSyncFolder, folder, generation);
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  std::erase_if(durable_names_, [&](const auto& entry) { return FolderOf(entry.first) == folder; });
  for (const auto& [path, file] : names_) {
    if (FolderOf(path) == folder) durable_names_[path] = file;
  }
  for (const std::string& path : folders_) {
    if (FolderOf(path) == folder) durable_folders_.insert(path);
  }
  return IOStatus::OK();
}

IOStatus FaultDisk::Delete(const std::string& path) {
  IOStatus status = Before(Kind::kDelete, path, generation());
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  return names_.erase(path) > 0 ? IOStatus::OK() : Missing(path);
}

IOStatus FaultDisk::Rename(const std::string& from, const std::string& to) {
  IOStatus status = Before(Kind::kRename, to, generation());
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  const auto it = names_.find(from);
  if (it == names_.end()) return Missing(from);
  const FilePtr file = it->second;
  names_.erase(it);
  names_[to] = file;
  return IOStatus::OK();
}

IOStatus FaultDisk::Truncate(const std::string& path, size_t bytes) {
  IOStatus status = Before(Kind::kTruncate, path, generation());
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  const auto it = names_.find(path);
  if (it == names_.end()) return Missing(path);
  it->second->bytes.resize(bytes);
  it->second->synced = std::min(it->second->synced, bytes);
  return IOStatus::OK();
}

uint64_t FaultDisk::SizeOf(const File& file) const {
  MutexLock lock(mutex_);
  return file.bytes.size();
}

IOStatus FaultDisk::Children(const std::string& folder, std::vector<std::string>* names) const {
  MutexLock lock(mutex_);
  names->clear();
  for (const auto& [path, file] : names_) {
    if (FolderOf(path) == folder) names->push_back(NameOf(path));
  }
  return Alive(generation_);
}

IOStatus FaultDisk::AddFolder(const std::string& path) {
  {
    MutexLock lock(mutex_);
    if (folders_.contains(path)) return Alive(generation_);
  }
  IOStatus status = Before(Kind::kCreateFolder, path, generation());
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  folders_.insert(path);
  return status;
}

bool FaultDisk::HasFolder(const std::string& path) const {
  MutexLock lock(mutex_);
  return folders_.contains(path);
}

bool FaultDisk::Lock(const std::string& path) {
  MutexLock lock(mutex_);
  return locked_.insert(path).second;
}

void FaultDisk::Unlock(const std::string& path) {
  MutexLock lock(mutex_);
  locked_.erase(path);
}

}  // namespace alertjoin
