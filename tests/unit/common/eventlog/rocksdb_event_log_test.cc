#include "common/eventlog/rocksdb_event_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/common/eventlog/log_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RocksdbEventLogTest : public LogOnFaultDisk {
 protected:
  void SetUp() override { Open(); }
  uint64_t TableBytes() {
    uint64_t bytes = 0;
    for (const auto& [path, content] : disk_->Files()) {
      if (path.ends_with(".sst")) bytes += content.size();
    }
    return bytes;
  }
};

TEST_F(RocksdbEventLogTest, ReopenedLogHasItsRecordsAndItsId) {
  const std::string id = log_->id();
  Append({"a", "b"});
  Reopen();
  EXPECT_EQ(log_->id(), id);
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  EXPECT_EQ(*TryAppend({"c"}), LogPosition(3));
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c"));
}

TEST_F(RocksdbEventLogTest, NotesOutliveAPowerCut) {
  const std::string id = log_->id();
  ASSERT_THAT(log_->SetNote("epoch", "1"), IsOk());
  Append({"a"});
  ASSERT_THAT(log_->SetNote("epoch", "2"), IsOk());
  LosePower();
  Open();
  EXPECT_EQ(log_->note("epoch"), "2");
  EXPECT_EQ(log_->id(), id);
  EXPECT_THAT(ReadAll(), ElementsAre("a"));
}

TEST_F(RocksdbEventLogTest, ReopenedLogBeginsAndCountsAsBefore) {
  Append({"a", "bb", "ccc"});
  ASSERT_THAT(log_->Trim(LogPosition(3)), IsOk());
  Reopen();
  EXPECT_EQ(log_->bounds().first, LogPosition(3));
  EXPECT_EQ(log_->bounds().next, LogPosition(4));
  EXPECT_EQ(log_->bounds().bytes, 3 + EventLog::kRecordOverheadBytes);
  EXPECT_THAT(ReadAll(), ElementsAre("ccc"));
  EXPECT_THAT(log_->Read(LogPosition(2), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(RocksdbEventLogTest, ReopenedEmptyLogGoesOnWithItsPositions) {
  Append({"a", "b"});
  ASSERT_THAT(log_->Trim(LogPosition(3)), IsOk());
  Reopen();
  Reopen();
  EXPECT_EQ(log_->bounds().bytes, 0U);
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_EQ(*TryAppend({"c"}), LogPosition(3));
}

TEST_F(RocksdbEventLogTest, ReopenedWithLessRoomItRefusesUntilTrimmed) {
  Append({"a", "b"});
  bytes_max_ = EventLog::kRecordOverheadBytes + 1;
  Reopen();
  EXPECT_THAT(TryAppend({"c"}), StatusIs(absl::StatusCode::kResourceExhausted, "98 of 49 bytes"));
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  ASSERT_THAT(log_->Trim(LogPosition(3)), IsOk());
  EXPECT_THAT(TryAppend({"c"}), IsOk());
}

TEST_F(RocksdbEventLogTest, NewDatabaseHasANewId) {
  const std::string id = log_->id();
  StartWith({});
  Open();
  EXPECT_NE(log_->id(), id);
}

TEST_F(RocksdbEventLogTest, SecondProcessIsRefusedWithTheFolder) {
  RocksdbEventLog::Options options;
  options.folder = kFolder;
  options.bytes_max = 1;
  options.env = EnvOver(disk_);
  const auto second = RocksdbEventLog::Open(options);
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, kFolder));
  EXPECT_EQ(ReasonOf(second.status()), "LOG_IN_USE");
  Append({"a"});
  EXPECT_THAT(ReadAll(), ElementsAre("a"));
}

TEST_F(RocksdbEventLogTest, AppendsThatWaitShareOneSync) {
  constexpr size_t kWaiting = 8;
  std::atomic<bool> blocked = false;
  std::atomic<int> wal_syncs = 0;
  disk_->SetHook([&](const FileOperation& operation) {
    if (operation.kind == FileOperation::Kind::kSync && operation.IsWal()) {
      if (wal_syncs++ == 0) {
        blocked = true;
        EXPECT_TRUE(WaitFor([&] { return log_->pending() == 1 + kWaiting; }));
      }
    }
    return rocksdb::IOStatus::OK();
  });
  std::vector<std::thread> writers;
  writers.emplace_back([this] { Append({"first"}); });
  EXPECT_TRUE(WaitFor([&] { return blocked.load(); }));
  EXPECT_EQ(log_->bounds().next, LogPosition(1));  // Nothing is published before its sync.
  for (size_t i = 0; i < kWaiting; ++i) {
    writers.emplace_back([this] { Append({"x", "y"}); });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(wal_syncs, 2);
  EXPECT_EQ(log_->bounds().next, LogPosition(2 + 2 * kWaiting));
  Reopen();
  std::vector<std::string> expected{"first"};
  for (size_t i = 0; i < kWaiting; ++i) expected.insert(expected.end(), {"x", "y"});
  EXPECT_EQ(ReadAll(), expected);
}

TEST_F(RocksdbEventLogTest, ATrimSharesTheSyncOfAnAppend) {
  Append({"a"});
  const uint64_t before = log_->syncs();
  std::thread trimmer;
  std::thread writer;
  std::atomic<int> wal_syncs = 0;
  disk_->SetHook([&](const FileOperation& operation) {
    if (operation.kind == FileOperation::Kind::kSync && operation.IsWal() && wal_syncs++ == 0) {
      trimmer = std::thread([this] { EXPECT_THAT(log_->Trim(LogPosition(2)), IsOk()); });
      writer = std::thread([this] { Append({"c"}); });
      EXPECT_TRUE(WaitFor([&] { return log_->pending() == 3; }));
    }
    return rocksdb::IOStatus::OK();
  });
  Append({"b"});
  ASSERT_TRUE(trimmer.joinable());
  trimmer.join();
  writer.join();
  EXPECT_EQ(log_->syncs() - before, 2U);
  EXPECT_THAT(ReadAll(), ElementsAre("b", "c"));
}

TEST_F(RocksdbEventLogTest, TrimmedRecordsLeaveTheDisk) {
  write_buffer_bytes_ = 64 << 10;
  Reopen();
  // Not compressible, so that tables have the size of the records.
  std::string noise(1000, ' ');
  uint32_t state = 1;
  uint64_t next = 1;
  for (int i = 0; i < 100; ++i) {
    std::vector<std::string> records(20, noise);
    for (std::string& each : records) {
      for (char& c : each) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    }
    Append(records);
    next += records.size();
    ASSERT_THAT(log_->Trim(LogPosition(next - 5)), IsOk());
  }
  EXPECT_EQ(ReadAll().size(), 5U);
  // 2 MB went through it.
  EXPECT_TRUE(WaitFor([this] { return TableBytes() < 16 * write_buffer_bytes_; })) << TableBytes();
  Reopen();
  EXPECT_EQ(ReadAll().size(), 5U);
}

// The mark that a write leaves in the write-ahead log, cut in two by a border of its blocks, was
// once taken for a position far beyond the end: the log refused to open.
TEST_F(RocksdbEventLogTest, OpensWhereverABlockBorderCutsAWrite) {
  constexpr size_t kBlockBytes = 32 << 10;
  for (size_t before = 0; before < 200; ++before) {
    StartWith({});
    Open();
    const size_t written = disk_->ContentOf(WalPath()).size();
    Append({std::string(kBlockBytes - written - before, 'r')});
    Append({"last"});
    ASSERT_THAT(TryOpen(), IsOk()) << before;
    EXPECT_EQ(log_->bounds().next, LogPosition(3));
  }
}

TEST_F(RocksdbEventLogTest, WritesMoreThanItsBuffersAndReadsItBack) {
  write_buffer_bytes_ = 64 << 10;
  Reopen();
  for (int i = 0; i < 300; ++i) Append({std::string(1000, 'x') + std::to_string(i)});
  const auto check = [this] {
    const std::vector<std::string> records = ReadAll();
    ASSERT_EQ(records.size(), 300U);
    for (int i = 0; i < 300; ++i) {
      EXPECT_EQ(records[static_cast<size_t>(i)], std::string(1000, 'x') + std::to_string(i));
    }
  };
  check();
  EXPECT_FALSE(disk_->PathsOf(".sst").empty());
  Reopen();
  check();
}

TEST(RocksdbEventLogOnDisk, KeepsItsRecordsInAFolderThatItMakes) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("alertjoin_event_log_test_" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  RocksdbEventLog::Options options;
  options.folder = folder.string();
  options.bytes_max = 1 << 20;
  for (uint64_t i = 1; i <= 3; ++i) {
    const auto log = RocksdbEventLog::Open(options);
    ASSERT_THAT(log, IsOk());
    EXPECT_THAT(RocksdbEventLog::Open(options),
                StatusIs(absl::StatusCode::kFailedPrecondition, options.folder));
    EXPECT_EQ(*(*log)->Append(std::vector<std::string>{"a"}), LogPosition(i));
  }
  std::filesystem::remove_all(folder);
}

TEST(RocksdbEventLogOnDisk, FolderThatCannotBeMadeIsNamed) {
  RocksdbEventLog::Options options;
  options.folder = "/proc/alertjoin/log";
  EXPECT_THAT(RocksdbEventLog::Open(options),
              StatusIs(absl::StatusCode::kUnavailable, options.folder));
}

}  // namespace
}  // namespace alertjoin
