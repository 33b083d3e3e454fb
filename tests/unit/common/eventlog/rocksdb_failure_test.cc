// A failed write or sync is final: nothing is acknowledged after it.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/common/eventlog/log_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = FileOperation::Kind;

class RocksdbFailureTest : public LogOnFaultDisk {
 protected:
  void SetUp() override {
    Open();
    Append({"a", "b"});
  }
  // The next operation of that kind on a write-ahead log fails so; the ones behind succeed, if
  // there are any.
  void FailNext(Kind kind, const rocksdb::IOStatus& status) {
    disk_->SetHook([this, kind, status](const FileOperation& operation) {
      if (!operation.IsWal()) return rocksdb::IOStatus::OK();
      if (failed_) ++wal_operations_after_;
      if (operation.kind != kind || failed_.exchange(true)) return rocksdb::IOStatus::OK();
      return status;
    });
  }
  void ExpectFailed(const absl::Status& status, const std::string& text) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, text));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, kFolder));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "restart the process"));
    EXPECT_EQ(ReasonOf(status), "LOG_FAILED");
  }
  void ExpectLatched(const std::string& text) {
    ExpectFailed(log_->Append(std::vector<std::string>{"later"}).status(), text);
    ExpectFailed(log_->Trim(LogPosition(2)), text);
    ExpectFailed(log_->SetNote("n", "later"), text);
    EXPECT_EQ(log_->note("n"), "");
    ExpectFailed(log_->health(), text);
    ASSERT_THAT(failures(), SizeIs(1));
    ExpectFailed(failures()[0], text);
    EXPECT_EQ(wal_operations_after_, 0);
    // What is durable can still be read, what failed is not shown.
    EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  }

  std::atomic<bool> failed_ = false;
  std::atomic<int> wal_operations_after_ = 0;
};

TEST_F(RocksdbFailureTest, HealthyLogIsOkAndTellsNobody) {
  EXPECT_THAT(log_->health(), IsOk());
  EXPECT_THAT(failures(), IsEmpty());
}

TEST_F(RocksdbFailureTest, FailedSyncIsFinalAndLosesNothingAcknowledged) {
  FailNext(Kind::kSync, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(TryAppend({"c"}).status(), "input/output error");
  ExpectLatched("input/output error");
  LosePower();
  Open();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  EXPECT_THAT(log_->health(), IsOk());
  Append({"c"});
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c"));
}

TEST_F(RocksdbFailureTest, FailedWriteIsFinal) {
  FailNext(Kind::kAppend, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(TryAppend({"c"}).status(), "input/output error");
  ExpectLatched("input/output error");
}

TEST_F(RocksdbFailureTest, FailedSyncOfATrimIsFinal) {
  FailNext(Kind::kSync, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(log_->Trim(LogPosition(2)), "input/output error");
  ExpectLatched("input/output error");
}

TEST_F(RocksdbFailureTest, FailedSyncOfANoteIsFinal) {
  FailNext(Kind::kSync, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(log_->SetNote("n", "v"), "input/output error");
  ExpectLatched("input/output error");
}

TEST_F(RocksdbFailureTest, FullDiskIsFinalUntilARestartFindsRoom) {
  FailNext(Kind::kAppend, rocksdb::IOStatus::NoSpace("no space left on device"));
  ExpectFailed(TryAppend({"c"}).status(), "no space left on device");
  ExpectLatched("no space left on device");
  KillProcess();
  Open();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  Append({"c"});
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c"));
}

// What a failed sync left in the page cache is read again at the restart. It must be made durable
// anew, since a sync of the same file would report success for nothing.
TEST_F(RocksdbFailureTest, WhatIsFoundAfterAFailedSyncIsMadeDurableBeforeItIsShown) {
  FailNext(Kind::kSync, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(TryAppend({"c"}).status(), "input/output error");
  KillProcess();
  Open();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c"));
  Append({"d"});
  LosePower();
  Open();
  EXPECT_THAT(ReadAll(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(RocksdbFailureTest, EveryAppendOfAFailedGroupFails) {
  constexpr size_t kWriters = 4;
  std::atomic<int> syncs = 0;
  disk_->SetHook([&](const FileOperation& operation) {
    if (operation.kind != Kind::kSync || !operation.IsWal()) return rocksdb::IOStatus::OK();
    if (syncs++ > 0) return rocksdb::IOStatus::IOError("input/output error");
    EXPECT_TRUE(WaitFor([&] { return log_->pending() == kWriters + 1; }));
    return rocksdb::IOStatus::OK();
  });
  std::atomic<int> acknowledged = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (size_t i = 0; i < kWriters + 1; ++i) {
    writers.emplace_back([&] { ++(TryAppend({"x"}).ok() ? acknowledged : failed); });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(acknowledged + failed, static_cast<int>(kWriters) + 1);
  EXPECT_THAT(failures(), SizeIs(1));
  const int shown = static_cast<int>(ReadAll().size()) - 2;
  EXPECT_EQ(shown, acknowledged);
  LosePower();
  Open();
  EXPECT_EQ(static_cast<int>(ReadAll().size()) - 2, acknowledged);
}

TEST_F(RocksdbFailureTest, FailureInTheBackgroundIsFinal) {
  write_buffer_bytes_ = 64 << 10;
  Reopen();
  disk_->SetHook([](const FileOperation& operation) {
    return operation.path.ends_with(".sst") ? rocksdb::IOStatus::NoSpace("no space left on device")
                                            : rocksdb::IOStatus::OK();
  });
  size_t acknowledged = 0;
  while (TryAppend({std::string(1000, 'x')}).ok()) ++acknowledged;
  ExpectFailed(log_->health(), "no space left on device");
  EXPECT_THAT(failures(), SizeIs(1));
  LosePower();
  Open();
  EXPECT_GE(ReadAll().size(), 2 + acknowledged);
}

TEST_F(RocksdbFailureTest, LogThatCannotBeMadeAnewIsAnError) {
  StartWith({});
  disk_->SetHook([](const FileOperation& operation) {
    return operation.IsSync() ? rocksdb::IOStatus::IOError("input/output error")
                              : rocksdb::IOStatus::OK();
  });
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kUnavailable, "input/output error"));
}

}  // namespace
}  // namespace alertjoin
