#include "correlator-service/rows/row_files.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/eventlog/durable_folder.h"
#include "common/eventlog/rocksdb_logger.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/stored_row_codec.h"

namespace alertjoin {
namespace {

constexpr uint64_t kMemtableWriteBuffersMax = 4;
constexpr int kMemtablesMax = 3;
constexpr size_t kBlockCacheBytes = 16 << 20;
constexpr size_t kBlockBytes = 16 << 10;
constexpr uint64_t kTableBytes = 32 << 20;
// All raw payloads are written anew, and those that have expired are gone, when those since the
// last time are this share of the others, and once a day where hardly any come.
constexpr unsigned int kNewerPayloadsMaxPercent = 50;
constexpr uint64_t kPayloadsRewriteSeconds = 24 * 60 * 60;
// Written out in steps, so that no large write-back delays the syncs of the event log.
constexpr uint64_t kBackgroundSyncBytes = 1 << 20;
constexpr int kBackgroundJobsMax = 2;
// RocksDB starts its default of 16 at each opening, however few tables there are.
constexpr int kFileOpeningThreads = 1;

constexpr char kRowsFamily[] = "rows";
constexpr char kChangesFamily[] = "changes";
constexpr char kReportsFamily[] = "reports";
constexpr char kRawPayloadsFamily[] = "raw_payloads";
constexpr char kSourcesFamily[] = "sources";
constexpr char kAlertsFamily[] = "alerts";

// Nothing more may be written after a failure of RocksDB's own threads, either.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  BackgroundErrors(std::string folder, std::function<void(const absl::Status&)> on_failure)
      : folder_(std::move(folder)), on_failure_(std::move(on_failure)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (on_failure_) on_failure_(RowFiles::FailedError(folder_, status->ToString()));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::string folder_;
  const std::function<void(const absl::Status&)> on_failure_;
};

rocksdb::DBOptions DatabaseOptions(const RowFilesOptions& options) {
  rocksdb::DBOptions result;
  result.env = options.env;
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  // Writes are not synced one by one, so after a power cut the write-ahead log may be torn at any
  // page that the disk did not get to: recovery goes up to the first damage and drops what lies
  // behind, and the applied position goes back with it. What is dropped is made again from the
  // event log, which is not trimmed before a sync of this one.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  result.track_and_verify_wals_in_manifest = true;
  result.recycle_log_file_num = 0;
  // All families go to tables together, with one place in the write-ahead log.
  result.atomic_flush = true;
  result.paranoid_checks = true;
  result.flush_verify_memtable_count = true;
  result.verify_sst_unique_id_in_manifest = true;
  // What recovery reads from the write-ahead log may never have been synced. It goes to synced
  // tables before anybody gets to read it.
  result.avoid_flush_during_recovery = false;
  // A failed write or sync is final until the process is started again.
  result.max_bgerror_resume_count = 0;
  result.listeners.push_back(
      std::make_shared<BackgroundErrors>(options.folder, options.on_failure));
  result.max_open_files = -1;
  result.max_file_opening_threads = kFileOpeningThreads;
  result.max_background_jobs = kBackgroundJobsMax;
  result.bytes_per_sync = kBackgroundSyncBytes;
  result.info_log = MakeRocksdbLogger(options.folder);
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families(const RowFilesOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::ChecksumType::kXXH3;
  table.block_size = kBlockBytes;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.cache_index_and_filter_blocks = true;

  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = kMemtableWriteBuffersMax * options.write_buffer_bytes;
  family.max_write_buffer_number = kMemtablesMax;
  family.target_file_size_base = kTableBytes;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = rocksdb::CompressionType::kLZ4Compression;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Their keys grow with time. By levels, tables that do not overlap are moved down as they are,
  // and each of any size would stay open until its payloads expire.
  rocksdb::ColumnFamilyOptions raw_payloads = family;
  raw_payloads.compaction_style = rocksdb::CompactionStyle::kCompactionStyleUniversal;
  raw_payloads.level_compaction_dynamic_level_bytes = false;
  raw_payloads.compaction_options_universal.max_size_amplification_percent =
      kNewerPayloadsMaxPercent;
  raw_payloads.periodic_compaction_seconds = kPayloadsRewriteSeconds;
  return {{rocksdb::kDefaultColumnFamilyName, family},
          {kRowsFamily, family},
          {kChangesFamily, family},
          {kReportsFamily, family},
          {kRawPayloadsFamily, raw_payloads},
          {kSourcesFamily, family},
          {kAlertsFamily, family}};
}

// RocksDB would take a folder without CURRENT for a new database and delete its files.
absl::Status CheckCurrent(rocksdb::Env& env, const std::string& folder) {
  if (env.FileExists(folder + "/CURRENT").ok()) return absl::OkStatus();
  std::vector<std::string> names;
  const rocksdb::Status status = env.GetChildren(folder, &names);
  if (!status.ok()) return RowFiles::ErrorOf(folder, "cannot be listed", status);
  const auto table =
      std::ranges::find_if(names, [](const std::string& name) { return name.ends_with(".sst"); });
  if (table == names.end()) return absl::OkStatus();
  return RowFiles::ErrorOf(folder, "the file CURRENT",
                           rocksdb::Status::Corruption("it is missing, and there is", *table));
}

// Makes the folder and checks what is there, while no process has the database open.
absl::Status PrepareFolder(rocksdb::Env& env, const std::string& folder) {
  const rocksdb::Status made = MakeDurableFolder(env, folder);
  if (!made.ok()) return RowFiles::ErrorOf(folder, "cannot be made", made);
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = env.LockFile(folder + "/LOCK", &lock);
  if (!locked.ok()) {
    return MakeError(
        "ROWS_IN_USE",
        fmt::format("row store {}: cannot be locked: {}: stop the process that has it open, or "
                    "give this one a folder of its own",
                    folder, locked.ToString()));
  }
  absl::Status checked = CheckCurrent(env, folder);
  // RocksDB takes the lock anew.
  env.UnlockFile(lock).PermitUncheckedError();
  return checked;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowFiles>> RowFiles::Open(RowFilesOptions options) {
  RETURN_IF_ERROR(PrepareFolder(*options.env, options.folder));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(options), options.folder, Families(options), &handles, &db);
  if (!status.ok()) return ErrorOf(options.folder, "cannot be opened", status);
  std::unique_ptr<RowFiles> opened(new RowFiles(options.folder));
  opened->db_.reset(db);
  opened->meta_ = handles[0];
  opened->rows_ = handles[1];
  opened->changes_ = handles[2];
  opened->reports_ = handles[3];
  opened->raw_payloads_ = handles[4];
  opened->sources_ = handles[5];
  opened->alerts_ = handles[6];
  return opened;
}

RowFiles::~RowFiles() {
  for (rocksdb::ColumnFamilyHandle* family :
       {meta_, rows_, changes_, reports_, raw_payloads_, sources_, alerts_}) {
    // Fails for a null handle alone.
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
}

rocksdb::Status RowFiles::StartNewFiles() {
  rocksdb::FlushOptions options;
  options.wait = false;
  return db_->Flush(options, {meta_, rows_, changes_, reports_, raw_payloads_, sources_, alerts_});
}

absl::Status RowFiles::ErrorOf(std::string_view folder, std::string_view what,
                               const rocksdb::Status& status) {
  CHECK(!status.ok());
  const std::string text = fmt::format("{}: {}", what, status.ToString());
  if (!status.IsCorruption()) {
    return absl::UnavailableError(fmt::format("row store {}: {}", folder, text));
  }
  return Annotate(
      DamagedRowsError(fmt::format("{}: check the disk, then put a sound copy of the folder in its "
                                   "place, or move the folder away to make the rows again from the "
                                   "event log, as far back as it goes",
                                   text)),
      fmt::format("row store {}", folder));
}

absl::Status RowFiles::FailedError(std::string_view folder, std::string_view why) {
  return MakeError(
      "ROWS_FAILED",
      fmt::format(
          "row store {}: a write or sync failed: {}: nothing more is taken; see to the disk, then "
          "restart the process",
          folder, why));
}

}  // namespace alertjoin
