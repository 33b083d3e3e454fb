#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "correlator-service/rows/durable_row_store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/rows/random_row.h"

namespace alertjoin {

// A DurableRowStore and its database on a disk that fails as told.
class StoreOnFaultDisk : public ::testing::Test {
 protected:
  static constexpr char kFolder[] = "/disk/rows";

  absl::Status TryOpen() {
    Close();
    RowDatabase::Options options;
    options.folder = kFolder;
    options.change_log = disk_log_limits_;
    options.write_buffer_bytes = write_buffer_bytes_;
    options.env = EnvOver(disk_);
    options.on_failure = [this](const absl::Status& status) {
      MutexLock lock(mutex_);
      failures_.push_back(status);
    };
    auto database = RowDatabase::Open(std::move(options));
    RETURN_IF_ERROR(database);
    database_ = *std::move(database);
    registry_ = std::make_unique<prometheus::Registry>();
    store_ = std::make_unique<DurableRowStore>(
        *registry_, *database_,
        DurableRowStoreOptions{.sequence_limits = {}, .change_log_limits = memory_log_limits_});
    RETURN_IF_ERROR(database_->ForEachSource(
        [this](SourceStatus source) { store_->LoadSource(std::move(source)); }));
    return database_->ForEachRow([this](JoinedRow row) { store_->Load(std::move(row)); });
  }
  void Open() { ASSERT_THAT(TryOpen(), IsOk()); }
  void Close() {
    store_.reset();
    database_.reset();
  }
  // A disk with these files. The store of before must not clean up on it.
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

  absl::StatusOr<Sequence> TryCommit(std::vector<JoinedRow> changes) {
    return store_->Commit({.changes = std::move(changes)});
  }
  void Commit(std::vector<JoinedRow> changes) {
    ASSERT_THAT(TryCommit(std::move(changes)), IsOk());
  }
  static JoinedRow Row(int id, uint64_t revision = 1) {
    RowSpec spec;
    spec.id = id;
    spec.revision = revision;
    return MakeRow(spec);
  }
  // What the n-th round of a writer changes, from 1 on: the same in every run.
  static RowCommit Round(uint64_t n) {
    std::mt19937_64 random(n);
    RowCommit round;
    round.applied = LogPosition(n);
    std::set<int> ids;
    for (uint64_t i = random() % 5; i > 0; --i) ids.insert(static_cast<int>(random() % 20));
    for (const int id : ids) {
      RowSpec spec;
      spec.id = id;
      spec.revision = n;
      spec.alert = "a" + std::to_string(id % 3);
      spec.event_time = kRowsNow + Millis(random() % 5);
      spec.value = static_cast<double>(n);
      spec.final = random() % 2 == 0;
      spec.labels = {{"long", std::string(random() % 400, 'l')}};
      if (random() % 4 == 0) spec.operation = Operation::kDelete;
      round.changes.push_back(MakeRow(spec));
    }
    if (n % 5 == 0) {
      round.gaps.emplace_back();
      round.gaps.back().source = "gap " + std::to_string(n);
    }
    for (uint64_t i = random() % 3; i > 0; --i) round.reports.push_back(Report(i, random));
    return round;
  }
  // A report of alert `alert`, one of a few starts; some say that it is gone.
  static AlertReport Report(uint64_t alert, std::mt19937_64& random) {
    AlertReport report;
    report.source = "am";
    report.fingerprint = "f" + std::to_string(alert);
    report.starts_at = Timestamp::FromMillis(int64_t(random() % 4) - 2);
    report.last_reported = kRowsNow + Millis(random() % 1000);
    if (random() % 4 > 0) report.firing = AlertReport::Side{Row(1).transition, {Row(1).binding}};
    return report;
  }

  // Everything that is on the disk, as text.
  std::string Dump() {
    std::string text = fmt::format(
        "applied {} newest {} floor {} log {} changes {} bytes {}\n", database_->applied().value(),
        database_->newest().value(), database_->floor().value(), database_->log_id(),
        database_->change_log_size().changes, database_->change_log_size().bytes);
    EXPECT_THAT(database_->ForEachReport(
                    [&](const AlertReport& report) { text += DescribeAll(report) + "\n"; }),
                IsOk());
    EXPECT_THAT(
        database_->ForEachRow([&](const JoinedRow& row) { text += DescribeAll(row) + "\n"; }),
        IsOk());
    for (const SharedChangeSet& set : ReadFromDisk(database_->floor())) text += DescribeAll(*set);
    return text;
  }
  std::vector<SharedChangeSet> ReadFromDisk(Sequence after) {
    const auto read = database_->ReadChanges(after, database_->newest(), SIZE_MAX, SIZE_MAX);
    EXPECT_THAT(read, IsOk());
    return read.ok() ? read->sets : std::vector<SharedChangeSet>();
  }
  // Waits for what another thread brings about; false after a minute, so that a broken store
  // fails the test instead of hanging it.
  static bool WaitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  std::vector<absl::Status> failures() {
    MutexLock lock(mutex_);
    return failures_;
  }
  static std::string ReasonOf(const absl::Status& status) {
    const auto detail = DetailOf(status);
    return detail.has_value() ? detail->reason : "";
  }

  ChangeLogLimits disk_log_limits_ = RowDatabase::kChangeLogLimits;
  ChangeLogLimits memory_log_limits_;
  uint64_t write_buffer_bytes_ = 1 << 20;
  std::shared_ptr<FaultDisk> disk_ = std::make_shared<FaultDisk>();
  Mutex mutex_;
  std::vector<absl::Status> failures_ GUARDED_BY(mutex_);
  std::unique_ptr<RowDatabase> database_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<DurableRowStore> store_;
};

}  // namespace alertjoin
