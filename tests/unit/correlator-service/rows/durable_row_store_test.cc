#include "correlator-service/rows/durable_row_store.h"

#include <gmock/gmock.h>
#include <prometheus/text_serializer.h>

#include <atomic>

#include "tests/support/seed.h"
#include "tests/unit/correlator-service/rows/store_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = FileOperation::Kind;

std::vector<std::string> Table(const RowStore& store) {
  std::vector<std::string> rows;
  for (const SharedRow& row : store.ReadRows({}, 1000).rows) {
    rows.push_back(DescribeAll(*row));
    EXPECT_EQ(store.Find(row->id), row);
  }
  return rows;
}

// The change sets after `after`, read in pages.
std::vector<std::string> ChangesAfter(const RowStore& store, Sequence after, size_t changes_max) {
  std::vector<std::string> sets;
  while (after < store.newest()) {
    const auto read = store.ReadChanges(after, changes_max, SIZE_MAX);
    EXPECT_THAT(read, IsOk());
    if (!read.ok() || read->sets.empty()) break;
    EXPECT_EQ(read->newest, store.newest());
    for (const SharedChangeSet& set : read->sets) sets.push_back(DescribeAll(*set));
    after = read->sets.back()->sequence;
  }
  return sets;
}

class DurableRowStoreTest : public StoreOnFaultDisk {
 protected:
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_->Collect()); }
};

// A store in memory, which never restarts, is the model.
TEST_F(DurableRowStoreTest, RestartedAtAnyTimeItIsAsIfItHadNeverBeen) {
  std::mt19937_64 random(TestSeed());
  prometheus::Registry registry;
  MemoryRowStore model(registry);
  memory_log_limits_ = {8, size_t{1} << 30};
  write_buffer_bytes_ = 32 << 10;
  Open();
  for (uint64_t n = 1; n <= 300; ++n) {
    ASSERT_EQ(*store_->Commit(Round(n)), *model.Commit(Round(n)));
    switch (random() % 16) {
      case 0:
        Open();
        break;
      case 1:
        KillProcess();
        Open();
        break;
      case 2:
        ASSERT_THAT(database_->Sync(), IsOk());
        break;
      default:
        continue;
    }
    ASSERT_EQ(store_->newest(), model.newest());
    ASSERT_EQ(Table(*store_), Table(model));
    const Sequence after(random() % (model.newest().value() + 1));
    const size_t page = 1 + random() % 30;
    ASSERT_EQ(ChangesAfter(*store_, after, page), ChangesAfter(model, after, page));
  }
  EXPECT_EQ(store_->floor(), Sequence(0));
}

TEST_F(DurableRowStoreTest, SubscriberBehindTheMemoryReadsFromDiskDownToItsFloor) {
  memory_log_limits_ = {2, size_t{1} << 30};
  disk_log_limits_ = {6, size_t{1} << 30};
  Open();
  for (uint64_t i = 1; i <= 10; ++i) Commit({Row(1, i)});
  EXPECT_EQ(store_->floor(), Sequence(4));
  EXPECT_THAT(ChangesAfter(*store_, Sequence(4), 100), SizeIs(6));
  EXPECT_THAT(store_->ReadChanges(Sequence(3), 100, SIZE_MAX),
              StatusIs(absl::StatusCode::kOutOfRange, "back to 4"));
  Open();
  EXPECT_EQ(store_->floor(), Sequence(4));
  EXPECT_THAT(ChangesAfter(*store_, Sequence(4), 100), SizeIs(6));
  EXPECT_THAT(store_->ReadChanges(Sequence(10), 100, SIZE_MAX)->sets, IsEmpty());
}

TEST_F(DurableRowStoreTest, SourcesAreThereAgainAfterARestart) {
  Open();
  SourceStatus status;
  status.source = "prom";
  status.kind = SourceKind::kMetrics;
  status.producer_id = "ingest";
  status.health = SourceHealth::kForbidden;
  status.last_error = "403";
  status.last_error_time = kRowsNow - Millis(5);
  status.time = kRowsNow;
  status.description = "2.42";
  SourceStatus old = status;
  old.producer_id = "another";
  old.time = kRowsNow - Millis(10);
  ASSERT_THAT(store_->Commit({.sources = {status, old}}), IsOk());
  KillProcess();
  Open();
  ASSERT_THAT(store_->Sources(), SizeIs(2));
  EXPECT_EQ(*store_->Sources()[0], old);
  EXPECT_EQ(*store_->Sources()[1], status);
  ASSERT_THAT(store_->Commit({.row_horizon = kRowsNow}), IsOk());
  KillProcess();
  Open();
  ASSERT_THAT(store_->Sources(), SizeIs(1));
  EXPECT_EQ(*store_->Sources()[0], status);
}

TEST_F(DurableRowStoreTest, SourcesThatCannotBeWrittenAreNotShown) {
  Open();
  disk_->CutPower();
  SourceStatus status;
  status.source = "prom";
  status.producer_id = "ingest";
  EXPECT_FALSE(store_->Commit({.sources = {status}}).ok());
  EXPECT_THAT(store_->Sources(), IsEmpty());
}

TEST_F(DurableRowStoreTest, HasTheIdOfItsDatabase) {
  Open();
  const std::string id = store_->store_id();
  EXPECT_EQ(id, database_->store_id());
  Open();
  EXPECT_EQ(store_->store_id(), id);
}

TEST_F(DurableRowStoreTest, MetricsTellOfTheLogOnDisk) {
  memory_log_limits_ = {1, size_t{1} << 30};
  disk_log_limits_ = {3, size_t{1} << 30};
  Open();
  for (uint64_t i = 1; i <= 5; ++i) Commit({Row(static_cast<int>(i))});
  Open();
  for (const char* line :
       {"alertjoin_rows{state=\"matched\"} 5\n", "alertjoin_row_sequence 5\n",
        "alertjoin_change_log_floor 5\n", "alertjoin_change_log_disk_changes 3\n",
        "alertjoin_change_log_disk_floor 2\n"}) {
    EXPECT_THAT(Metrics(), HasSubstr(line));
  }
  EXPECT_THAT(Metrics(), HasSubstr(fmt::format("alertjoin_change_log_disk_bytes {}\n",
                                               database_->change_log_size().bytes)));
}

class DurableRowStoreFailureTest : public DurableRowStoreTest {
 protected:
  void SetUp() override {
    Open();
    Commit({Row(1), Row(2)});
    before_ = Table(*store_);
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
    EXPECT_EQ(ReasonOf(status), "ROWS_FAILED");
  }
  // Nothing more is taken, nothing of it is shown, and what was there can still be read.
  void ExpectLatched(const std::string& text) {
    ExpectFailed(TryCommit({Row(4)}).status(), text);
    ExpectFailed(store_->Commit({.applied = LogPosition(9)}).status(), text);
    ExpectFailed(database_->Sync(), text);
    ExpectFailed(database_->SetLogId("log"), text);
    ExpectFailed(database_->health(), text);
    ASSERT_THAT(failures(), SizeIs(1));
    ExpectFailed(failures()[0], text);
    EXPECT_EQ(wal_operations_after_, 0);
    EXPECT_EQ(store_->newest(), Sequence(1));
    EXPECT_EQ(Table(*store_), before_);
    EXPECT_THAT(ReadFromDisk(Sequence(0)), SizeIs(1));
    EXPECT_EQ(database_->applied(), LogPosition(0));
  }

  std::vector<std::string> before_;
  std::atomic<bool> failed_ = false;
  std::atomic<int> wal_operations_after_ = 0;
};

TEST_F(DurableRowStoreFailureTest, HealthyStoreIsOkAndTellsNobody) {
  EXPECT_THAT(database_->health(), IsOk());
  EXPECT_THAT(failures(), IsEmpty());
}

TEST_F(DurableRowStoreFailureTest, FailedWriteIsFinalAndPublishesNothing) {
  FailNext(Kind::kAppend, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(TryCommit({Row(3)}).status(), "input/output error");
  ExpectLatched("input/output error");
  KillProcess();
  Open();
  EXPECT_EQ(Table(*store_), before_);
  Commit({Row(3)});
  EXPECT_EQ(store_->newest(), Sequence(2));
}

TEST_F(DurableRowStoreFailureTest, FailedSyncIsFinal) {
  FailNext(Kind::kSync, rocksdb::IOStatus::IOError("input/output error"));
  ExpectFailed(database_->Sync(), "input/output error");
  ExpectLatched("input/output error");
}

TEST_F(DurableRowStoreFailureTest, FullDiskIsFinalUntilARestartFindsRoom) {
  FailNext(Kind::kAppend, rocksdb::IOStatus::NoSpace("no space left on device"));
  ExpectFailed(TryCommit({Row(3)}).status(), "no space left on device");
  ExpectLatched("no space left on device");
}

TEST_F(DurableRowStoreFailureTest, FailureInTheBackgroundIsFinalBeforeAnybodyWrites) {
  write_buffer_bytes_ = 16 << 10;
  Open();
  const std::string old_log = disk_->PathsOf(".log").back();
  std::atomic<bool> written = false;
  disk_->SetHook([&](const FileOperation& operation) {
    if (!operation.path.ends_with(".sst")) return rocksdb::IOStatus::OK();
    EXPECT_TRUE(WaitFor([&] { return written.load(); }));
    return rocksdb::IOStatus::NoSpace("no space left on device");
  });
  for (uint64_t revision = 2; disk_->PathsOf(".log").back() == old_log; ++revision) {
    Commit({Row(1, revision)});
  }
  const Sequence newest = store_->newest();
  written = true;
  EXPECT_TRUE(WaitFor([&] { return !failures().empty(); }));
  ExpectFailed(database_->health(), "no space left on device");
  ExpectFailed(TryCommit({Row(3)}).status(), "no space left on device");
  EXPECT_EQ(store_->newest(), newest);
  EXPECT_THAT(failures(), SizeIs(1));
  LosePower();
  Open();
  EXPECT_GT(store_->newest(), Sequence(1));
}

TEST_F(DurableRowStoreFailureTest, StoreThatCannotBeMadeAnewIsAnError) {
  StartWith({});
  disk_->SetHook([](const FileOperation& operation) {
    return operation.IsSync() ? rocksdb::IOStatus::IOError("input/output error")
                              : rocksdb::IOStatus::OK();
  });
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kUnavailable, "input/output error"));
}

}  // namespace
}  // namespace alertjoin
