// After any crash the store is what some prefix of the commits made, and never one that is shorter
// than what was synced.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/seed.h"
#include "tests/unit/correlator-service/rows/store_on_fault_disk.h"

namespace alertjoin {
namespace {

// Runs a script that commits, syncs, fills write buffers, trims the change log and opens again,
// with a fault at the n-th file operation, for each n. `fault` says what happens then; `recover`,
// how the machine comes back.
class RowDatabasePowerLossTest : public StoreOnFaultDisk {
 protected:
  using Fault = std::function<rocksdb::IOStatus(FaultDisk&)>;
  using Recover = std::function<void()>;
  static constexpr uint64_t kRounds = 32;

  void SetUp() override {
    write_buffer_bytes_ = 12 << 10;
    disk_log_limits_ = {20, size_t{1} << 30};
    // What the store is after each round.
    ASSERT_THAT(TryOpen(), IsOk());
    ASSERT_THAT(database_->SetLogId("log"), IsOk());
    prefixes_.push_back(Dump());
    for (uint64_t n = 1; n <= kRounds + 1; ++n) {
      ASSERT_THAT(store_->Commit(Round(n)), IsOk());
      prefixes_.push_back(Dump());
    }
    ASSERT_GT(database_->floor(), Sequence(5));
  }

  // False at the first error.
  bool CommitThrough(uint64_t round) {
    while (written_ < round) {
      if (!store_->Commit(Round(written_ + 1)).ok()) return false;
      ++written_;
    }
    return true;
  }
  bool SyncAndNote() {
    if (!database_->Sync().ok()) return false;
    synced_ = written_;
    return true;
  }
  bool Script() {
    if (!TryOpen().ok() || !database_->SetLogId("log").ok()) return false;
    made_ = true;
    if (!CommitThrough(10) || !SyncAndNote() || !CommitThrough(20)) return false;
    if (!TryOpen().ok()) return false;
    if (!CommitThrough(24) || !SyncAndNote() || !CommitThrough(kRounds)) return false;
    Close();
    return true;
  }
  void CheckRecovered(uint64_t least) {
    ASSERT_THAT(TryOpen(), IsOk());
    if (!made_ && database_->log_id().empty()) {
      ASSERT_EQ(database_->applied(), LogPosition(0));
      return;
    }
    const uint64_t applied = database_->applied().value();
    ASSERT_GE(applied, least);
    // A write that failed may be there.
    ASSERT_LE(applied, written_ + 1);
    ASSERT_EQ(Dump(), prefixes_[applied]);
    ASSERT_THAT(store_->Commit(Round(applied + 1)), IsOk());
    ASSERT_EQ(Dump(), prefixes_[applied + 1]);
  }
  void RunAll(const Fault& fault, const Recover& recover, bool keeps_written = false) {
    bool finished = false;
    int operations = 0;
    while (!finished && !HasFailure()) {
      SCOPED_TRACE(++operations);
      StartWith({});
      made_ = false;
      written_ = synced_ = 0;
      std::atomic<int> left = operations;
      const RocksdbsOwn spared;
      disk_->SetHook([&, spared](const FileOperation& operation) {
        if (spared.Matches(operation)) return rocksdb::IOStatus::OK();
        return --left == 0 ? fault(*disk_) : rocksdb::IOStatus::OK();
      });
      finished = Script();
      recover();
      CheckRecovered(keeps_written ? written_ : synced_);
      // Background work goes on after the script.
      finished = finished && left > 0;
    }
    EXPECT_GT(operations, 100);
  }

  std::vector<std::string> prefixes_;  // By round.
  bool made_ = false;
  uint64_t written_ = 0;
  uint64_t synced_ = 0;
};

rocksdb::IOStatus PowerCut(FaultDisk& disk) {
  disk.CutPower();
  return rocksdb::IOStatus::IOError("the power is off");
}

TEST_F(RowDatabasePowerLossTest, PowerCutLeavesAPrefixFromTheLastSyncOn) {
  RunAll(PowerCut, [this] { LosePower(); });
}

TEST_F(RowDatabasePowerLossTest, PowerCutWithTornTailsLeavesAPrefix) {
  std::mt19937_64 random(TestSeed());
  RunAll(PowerCut, [this, &random] {
    LosePower([&random](const std::string&, size_t unsynced) {
      return std::uniform_int_distribution<size_t>(0, unsynced)(random);
    });
  });
}

// The disk got to the files in any order: of some nothing is there, of others everything.
TEST_F(RowDatabasePowerLossTest, PowerCutThatKeepsSomeFilesWholeLeavesAPrefix) {
  std::mt19937_64 random(TestSeed());
  RunAll(PowerCut, [this, &random] {
    LosePower([&random](const std::string&, size_t unsynced) {
      return random() % 2 == 0 ? unsynced : size_t{0};
    });
  });
}

TEST_F(RowDatabasePowerLossTest, ProcessKilledLosesNothing) {
  RunAll(
      PowerCut, [this] { KillProcess(); }, /*keeps_written=*/true);
}

TEST_F(RowDatabasePowerLossTest, FailedOperationThenPowerCutLeavesAPrefix) {
  RunAll([](FaultDisk&) { return rocksdb::IOStatus::IOError("input/output error"); },
         [this] { LosePower(); });
}

TEST_F(RowDatabasePowerLossTest, FullDiskThenRestartLosesNothing) {
  RunAll([](FaultDisk&) { return rocksdb::IOStatus::NoSpace("no space left on device"); },
         [this] { KillProcess(); }, /*keeps_written=*/true);
}

// Power cuts come at every byte of what was not synced.
TEST_F(RowDatabasePowerLossTest, TailTornAtAnyByteLeavesThePrefix) {
  write_buffer_bytes_ = 1 << 20;
  size_t unsynced = SIZE_MAX;
  uint64_t applied_before = 0;
  for (size_t kept = 0; kept <= unsynced; kept += 97) {
    StartWith({});
    ASSERT_THAT(TryOpen(), IsOk());
    ASSERT_THAT(database_->SetLogId("log"), IsOk());
    written_ = 0;
    ASSERT_TRUE(CommitThrough(2) && SyncAndNote() && CommitThrough(5));
    LosePower([&](const std::string& path, size_t bytes) {
      if (path.ends_with(".log") && bytes > 0) unsynced = bytes;
      return kept;
    });
    ASSERT_THAT(TryOpen(), IsOk());
    const uint64_t applied = database_->applied().value();
    ASSERT_GE(applied, applied_before);
    ASSERT_EQ(Dump(), prefixes_[applied]);
    applied_before = applied;
  }
  EXPECT_GE(applied_before, 4U);
}

// The disk writes pages in any order: what lies behind one that it did not get to does not count.
TEST_F(RowDatabasePowerLossTest, PageThatTheDiskDidNotGetToEndsThePrefix) {
  constexpr size_t kPageBytes = 4096;
  write_buffer_bytes_ = 1 << 20;
  StartWith({});
  ASSERT_THAT(TryOpen(), IsOk());
  ASSERT_THAT(database_->SetLogId("log"), IsOk());
  written_ = 0;
  ASSERT_TRUE(CommitThrough(5) && SyncAndNote());
  const std::string wal_path = disk_->PathsOf(".log").back();
  const size_t synced_bytes = disk_->ContentOf(wal_path).size();
  ASSERT_TRUE(CommitThrough(kRounds));
  KillProcess();
  const auto files = disk_->Files();
  const std::string wal = files.at(wal_path);
  uint64_t applied_before = 0;
  for (size_t page = synced_bytes / kPageBytes + 1; page < wal.size() / kPageBytes; ++page) {
    StartWith(files);
    std::string torn = wal;
    torn.replace(page * kPageBytes, kPageBytes, kPageBytes, '\0');
    disk_->SetContent(wal_path, torn);
    ASSERT_THAT(TryOpen(), IsOk());
    const uint64_t applied = database_->applied().value();
    ASSERT_GE(applied, std::max(synced_, applied_before));
    ASSERT_LT(applied, kRounds);
    ASSERT_EQ(Dump(), prefixes_[applied]);
    applied_before = applied;
  }
  EXPECT_GT(applied_before, synced_);
}

// Otherwise the end of the old log could be lost and the new one not: a hole that RocksDB does not
// see.
TEST_F(RowDatabasePowerLossTest, NoNewLogIsWrittenBeforeTheOldOneIsSynced) {
  StartWith({});
  ASSERT_THAT(TryOpen(), IsOk());
  ASSERT_THAT(database_->SetLogId("log"), IsOk());
  written_ = 0;
  const auto writer = std::this_thread::get_id();
  const std::string old_log = disk_->PathsOf(".log").back();
  std::atomic<bool> flushing = false;
  std::atomic<bool> cut = false;
  // The power goes before RocksDB's own thread has synced anything.
  disk_->SetHook([&](const FileOperation& operation) {
    if (std::this_thread::get_id() == writer || !operation.IsSync()) return rocksdb::IOStatus::OK();
    flushing = true;
    EXPECT_TRUE(WaitFor([&] { return cut.load(); }));
    return rocksdb::IOStatus::IOError("the power is off");
  });
  while (disk_->PathsOf(".log").back() == old_log) ASSERT_TRUE(CommitThrough(written_ + 1));
  EXPECT_TRUE(WaitFor([&] { return flushing.load(); }));
  ASSERT_TRUE(CommitThrough(written_ + 3));
  disk_->CutPower();
  cut = true;
  // The folder's entry of the new log may have got to the disk as well.
  auto files = disk_->Files();
  LosePower([&](const std::string& path, size_t unsynced) {
    return path == old_log ? size_t{0} : unsynced;
  });
  for (auto& [path, content] : files) {
    if (path == old_log) content = disk_->ContentOf(path);
  }
  StartWith(files);
  CheckRecovered(written_);
}

}  // namespace
}  // namespace alertjoin
