#include "common/eventlog/durable_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rocksdb/status.h>

#include <fstream>

#include "tests/support/temporary_folder.h"
#include "tests/unit/common/eventlog/log_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = FileOperation::Kind;

// A service's start: its folder, and the log in it.
class DurableFolderTest : public LogOnFaultDisk {
 protected:
  static constexpr char kData[] = "/disk/var/data";

  DurableFolderTest() { folder_ = std::string(kData) + "/log"; }

  rocksdb::Status MakeData() { return MakeDurableFolders(*EnvOver(disk_), kData); }
  bool TryStart() { return MakeData().ok() && TryOpen().ok(); }
};

TEST_F(DurableFolderTest, AllMissingFoldersAreMadeFromAboveEachSyncedBeforeTheNext) {
  std::vector<std::string> steps;
  disk_->SetHook([&steps](const FileOperation& operation) {
    steps.push_back((operation.kind == Kind::kCreateFolder ? "make " : "sync ") + operation.path);
    return rocksdb::IOStatus::OK();
  });
  ASSERT_TRUE(MakeData().ok());
  EXPECT_THAT(steps, ElementsAre("make /disk", "sync /", "make /disk/var", "sync /disk",
                                 "make /disk/var/data", "sync /disk/var"));
}

TEST_F(DurableFolderTest, AFolderThatIsThereIsSyncedAgain) {
  ASSERT_TRUE(MakeData().ok());
  std::vector<std::string> synced;
  disk_->SetHook([&synced](const FileOperation& operation) {
    EXPECT_EQ(operation.kind, Kind::kSyncFolder);
    synced.push_back(operation.path);
    return rocksdb::IOStatus::OK();
  });
  ASSERT_TRUE(MakeData().ok());
  EXPECT_THAT(synced, ElementsAre("/disk/var"));
}

// A folder that was there was once taken for durable, though a process that was killed between
// making and syncing it may have left it: everything acknowledged in it went with it.
TEST_F(DurableFolderTest, WhatIsAcknowledgedStaysWhereverTheFirstStartWasKilled) {
  bool survived = false;
  for (int64_t operations = 0; !survived; ++operations) {
    SCOPED_TRACE(fmt::format("{} operations", operations));
    Close();
    disk_ = std::make_shared<FaultDisk>();
    int64_t left = operations;
    disk_->SetHook([this, &left](const FileOperation&) {
      if (--left < 0) disk_->CutPower();
      return rocksdb::IOStatus::OK();
    });
    survived = TryStart();
    KillProcess();
    ASSERT_TRUE(TryStart());
    Append({"a", "b"});
    LosePower();
    EXPECT_TRUE(disk_->HasFolder(kData));
    ASSERT_TRUE(TryStart());
    EXPECT_THAT(ReadAll(), ElementsAre("a", "b"));
  }
}

TEST_F(DurableFolderTest, ASyncThatFailsIsAnErrorThatSaysWhere) {
  for (const bool was_there : {false, true}) {
    disk_->SetHook([](const FileOperation& operation) {
      return operation.kind == Kind::kSyncFolder && operation.path == "/disk/var"
                 ? rocksdb::IOStatus::IOError("no luck")
                 : rocksdb::IOStatus::OK();
    });
    EXPECT_EQ(disk_->HasFolder(kData), was_there);
    const rocksdb::Status status = MakeData();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(), HasSubstr("/disk/var: cannot be synced"));
    EXPECT_THAT(status.ToString(), HasSubstr("no luck"));
  }
}

// A folder mounted on a read-only root was once refused at every start.
TEST_F(DurableFolderTest, WhereFoldersCannotBeSyncedOneThatIsThereIsTaken) {
  const auto refuse = [](const FileOperation& operation) {
    return operation.kind == Kind::kSyncFolder
               ? rocksdb::IOStatus::IOError("While fsync: a directory", "Invalid argument")
               : rocksdb::IOStatus::OK();
  };
  disk_->SetHook(refuse);
  EXPECT_FALSE(MakeData().ok());
  disk_->SetHook({});
  ASSERT_TRUE(MakeData().ok());
  disk_->SetHook(refuse);
  EXPECT_TRUE(MakeData().ok());
}

TEST(MakeDurableFoldersTest, OnTheMachinesDisk) {
  const TemporaryFolder parent;
  const std::string folder = parent.path() + "/a/b";
  ASSERT_THAT(MakeDurableFolders(folder + "/"), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(folder));
  EXPECT_THAT(MakeDurableFolders(folder), IsOk());
  std::ofstream(folder + "/file") << "no folder";
  EXPECT_THAT(MakeDurableFolders(folder + "/file"),
              StatusIs(absl::StatusCode::kUnavailable, folder + "/file: cannot be made"));
  EXPECT_THAT(MakeDurableFolders(folder + "/file/below"),
              StatusIs(absl::StatusCode::kUnavailable, "/below: cannot be made"));
}

}  // namespace
}  // namespace alertjoin
