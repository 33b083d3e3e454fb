#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/eventlog/rocksdb_event_log.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

// A RocksdbEventLog on a disk that fails as told.
class LogOnFaultDisk : public ::testing::Test {
 protected:
  static constexpr char kFolder[] = "/disk/log";
  static constexpr size_t kAll = SIZE_MAX;

  absl::Status TryOpen() {
    log_.reset();
    RocksdbEventLog::Options options;
    options.folder = folder_;
    options.bytes_max = bytes_max_;
    options.write_buffer_bytes = write_buffer_bytes_;
    options.env = EnvOver(disk_);
    options.on_failure = [this](const absl::Status& status) {
      MutexLock lock(mutex_);
      failures_.push_back(status);
    };
    auto log = RocksdbEventLog::Open(options);
    RETURN_IF_ERROR(log);
    log_ = *std::move(log);
    return absl::OkStatus();
  }
  void Open() { ASSERT_THAT(TryOpen(), IsOk()); }
  void Close() { log_.reset(); }
  void Reopen() {
    Close();
    Open();
  }
  // A disk with these files. The log of before must not clean up on it.
  void StartWith(const std::map<std::string, std::string>& files) {
    Close();
    disk_->SetFiles(files);
  }
  // The machine loses its power; what was not synced is gone but for `kept` of it.
  void LosePower(const FaultDisk::Kept& kept = {}) {
    disk_->CutPower();
    Close();
    disk_->RestorePower(kept);
  }
  // The process dies; what it had written is there.
  void KillProcess() {
    disk_->CutPower();
    Close();
    disk_->KillProcess();
  }

  absl::StatusOr<LogPosition> TryAppend(const std::vector<std::string>& records) {
    return log_->Append(records);
  }
  void Append(const std::vector<std::string>& records) {
    ASSERT_THAT(log_->Append(records), IsOk());
  }
  std::vector<std::string> ReadAll() {
    const auto chunk = log_->Read(log_->bounds().first, kAll, kAll);
    EXPECT_THAT(chunk, IsOk());
    return chunk.ok() ? chunk->records : std::vector<std::string>();
  }
  std::vector<absl::Status> failures() {
    MutexLock lock(mutex_);
    return failures_;
  }
  // Waits for what another thread brings about; false after a minute, so that a broken log fails
  // the test instead of hanging it.
  static bool WaitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // The write-ahead log that is written to.
  std::string WalPath() { return disk_->PathsOf(".log").back(); }

  std::string folder_ = kFolder;
  uint64_t bytes_max_ = 64 << 20;
  uint64_t write_buffer_bytes_ = 1 << 20;
  std::shared_ptr<FaultDisk> disk_ = std::make_shared<FaultDisk>();
  Mutex mutex_;
  std::vector<absl::Status> failures_ GUARDED_BY(mutex_);
  std::unique_ptr<RocksdbEventLog> log_;
};

inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

}  // namespace alertjoin
