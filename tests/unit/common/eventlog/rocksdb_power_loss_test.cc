// What was acknowledged is there after any crash, and what was not is there whole or not at all.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "tests/support/seed.h"
#include "tests/unit/common/eventlog/log_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RocksdbPowerLossTest : public LogOnFaultDisk {};

TEST_F(RocksdbPowerLossTest, AcknowledgedAppendsAndTrimsAreKept) {
  Open();
  const std::string id = log_->id();
  Append({"a", "b"});
  Append({"c"});
  LosePower();
  Open();
  EXPECT_EQ(log_->id(), id);
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c"));
  ASSERT_THAT(log_->Trim(LogPosition(3)), IsOk());
  LosePower();
  Open();
  EXPECT_EQ(log_->bounds().first, LogPosition(3));
  EXPECT_THAT(ReadAll(), ElementsAre("c"));
}

TEST_F(RocksdbPowerLossTest, UnsyncedTailTornAtAnyByteIsWholeOrNotThere) {
  size_t kept = 0;
  size_t unsynced = SIZE_MAX;
  bool was_whole = false;
  for (; kept <= unsynced; ++kept) {
    StartWith({});
    Open();
    Append({"first", "second"});
    disk_->SetHook([this](const FileOperation& operation) {
      if (operation.kind == FileOperation::Kind::kSync) disk_->CutPower();
      return rocksdb::IOStatus::OK();
    });
    ASSERT_THAT(TryAppend({"third", "fourth"}), StatusIs(absl::StatusCode::kUnavailable));
    LosePower([&](const std::string& path, size_t bytes) {
      if (path.ends_with(".log") && bytes > 0) unsynced = bytes;
      return kept;
    });
    Open();
    was_whole = log_->bounds().next == LogPosition(5);
    if (was_whole) {
      EXPECT_THAT(ReadAll(), ElementsAre("first", "second", "third", "fourth"));
    } else {
      EXPECT_THAT(ReadAll(), ElementsAre("first", "second")) << kept;
    }
    EXPECT_EQ(was_whole, kept == unsynced);
  }
  EXPECT_TRUE(was_whole);
  EXPECT_GT(kept, 50U);
}

TEST_F(RocksdbPowerLossTest, WalCutAtAnyByteGivesTheExactPrefix) {
  Open();
  std::vector<size_t> ends{disk_->ContentOf(WalPath()).size()};
  std::vector<std::string> appended;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    Append({std::string(20, name)});
    appended.push_back(std::string(20, name));
    ends.push_back(disk_->ContentOf(WalPath()).size());
  }
  const std::string wal_path = WalPath();
  Close();
  const auto files = disk_->Files();
  const std::string wal = files.at(wal_path);
  for (size_t cut = ends.front(); cut <= wal.size(); ++cut) {
    StartWith(files);
    disk_->SetContent(wal_path, wal.substr(0, cut));
    Open();
    const auto whole = std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin() - 1;
    EXPECT_EQ(ReadAll(), std::vector<std::string>(appended.begin(), appended.begin() + whole));
    Append({"next"});
    EXPECT_EQ(log_->bounds().next, LogPosition(static_cast<uint64_t>(whole) + 2));
    Close();
  }
}

// Runs a script that appends, trims, fills write buffers and opens again, with a fault at the n-th
// file operation, for each n. `fault` says what happens then; `recover`, how the machine comes
// back.
class CrashAtEveryOperation : public LogOnFaultDisk {
 protected:
  using Fault = std::function<rocksdb::IOStatus(FaultDisk&)>;
  using Recover = std::function<void()>;

  void SetUp() override { write_buffer_bytes_ = 64 << 10; }

  static std::string RecordAt(uint64_t position) {
    return std::to_string(position) + std::string(position % 7 * 500, 'r');
  }

  // False at the first error.
  bool AppendAndNote(size_t count) {
    std::vector<std::string> records;
    for (size_t i = 0; i < count; ++i) records.push_back(RecordAt(acked_next_ + i));
    const auto first = TryAppend(records);
    if (!first.ok()) return false;
    EXPECT_EQ(first->value(), acked_next_);
    acked_next_ += count;
    return true;
  }
  bool TrimAndNote(uint64_t before) {
    tried_first_ = before;
    if (!log_->Trim(LogPosition(before)).ok()) return false;
    acked_first_ = before;
    return true;
  }
  bool OpenAndNote() {
    if (!TryOpen().ok()) return false;
    if (!acked_id_.empty()) {
      EXPECT_EQ(log_->id(), acked_id_);
    }
    acked_id_ = log_->id();
    return true;
  }
  // 56 records of 1.5 KB on average are more than a write buffer.
  bool Script() {
    if (!OpenAndNote()) return false;
    for (const size_t count : {1u, 3u, 20u, 30u, 20u}) {
      if (!AppendAndNote(count)) return false;
    }
    if (!TrimAndNote(10) || !AppendAndNote(40) || !TrimAndNote(80)) return false;
    Close();
    if (!OpenAndNote() || !AppendAndNote(2) || !TrimAndNote(85)) return false;
    Close();
    return OpenAndNote() && AppendAndNote(60) && TrimAndNote(acked_next_);
  }

  void CheckRecovered() {
    Open();
    ASSERT_NE(log_, nullptr);
    if (!acked_id_.empty()) {
      EXPECT_EQ(log_->id(), acked_id_);
    }
    const EventLog::Bounds bounds = log_->bounds();
    EXPECT_TRUE(bounds.first == LogPosition(acked_first_) ||
                bounds.first == LogPosition(tried_first_));
    ASSERT_GE(bounds.next, LogPosition(acked_next_));
    const std::vector<std::string> records = ReadAll();
    ASSERT_EQ(records.size(), bounds.next.value() - bounds.first.value());
    uint64_t bytes = 0;
    for (size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i], RecordAt(bounds.first.value() + i));
      bytes += records[i].size() + EventLog::kRecordOverheadBytes;
    }
    EXPECT_EQ(bounds.bytes, bytes);
    EXPECT_EQ(*TryAppend({"after"}), bounds.next);
  }

  void RunAll(const Fault& fault, const Recover& recover) {
    bool finished = false;
    int operations = 0;
    while (!finished && !HasFailure()) {
      SCOPED_TRACE(++operations);
      StartWith({});
      acked_id_.clear();
      acked_first_ = tried_first_ = acked_next_ = 1;
      std::atomic<int> left = operations;
      disk_->SetHook([&](const FileOperation&) {
        return --left == 0 ? fault(*disk_) : rocksdb::IOStatus::OK();
      });
      finished = Script();
      recover();
      CheckRecovered();
      // Background work goes on after the script.
      finished = finished && left > 0;
    }
    EXPECT_GT(operations, 100);
  }

  std::string acked_id_;
  uint64_t acked_first_ = 1;
  uint64_t tried_first_ = 1;
  uint64_t acked_next_ = 1;
};

rocksdb::IOStatus PowerCut(FaultDisk& disk) {
  disk.CutPower();
  return rocksdb::IOStatus::IOError("the power is off");
}

TEST_F(CrashAtEveryOperation, PowerCutKeepsWhatWasSynced) {
  RunAll(PowerCut, [this] { LosePower(); });
}

TEST_F(CrashAtEveryOperation, PowerCutWithTornTailsKeepsWhatWasSynced) {
  std::mt19937_64 random(TestSeed());
  RunAll(PowerCut, [this, &random] {
    LosePower([&random](const std::string&, size_t unsynced) {
      return std::uniform_int_distribution<size_t>(0, unsynced)(random);
    });
  });
}

TEST_F(CrashAtEveryOperation, ProcessKilledKeepsWhatWasWritten) {
  RunAll(PowerCut, [this] { KillProcess(); });
}

TEST_F(CrashAtEveryOperation, FailedOperationThenPowerCut) {
  RunAll([](FaultDisk&) { return rocksdb::IOStatus::IOError("input/output error"); },
         [this] { LosePower(); });
}

TEST_F(CrashAtEveryOperation, FullDiskThenRestartOnceThereIsRoom) {
  RunAll([](FaultDisk&) { return rocksdb::IOStatus::NoSpace("no space left on device"); },
         [this] { KillProcess(); });
}

}  // namespace
}  // namespace alertjoin
