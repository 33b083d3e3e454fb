#include "common/eventlog/log_database.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include "common/eventlog/rocksdb_logger.h"
#include "common/eventlog/stored_record.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// Room for the newest records before they go to a table; so many of them may wait for that.
constexpr int kWriteBuffersMax = 3;
constexpr size_t kMetaWriteBufferBytes = 256 << 10;
constexpr size_t kBlockCacheBytes = 16 << 20;
constexpr size_t kBlockBytes = 16 << 10;
constexpr uint64_t kTableBytes = 32 << 20;
// Written out in steps, so that no large write-back delays the syncs of the write-ahead log.
constexpr uint64_t kBackgroundSyncBytes = 1 << 20;
// How much write-ahead log may be kept, in write buffers. What it bounds is the time to recover.
constexpr uint64_t kWalWriteBuffersMax = 4;
constexpr int kBackgroundJobsMax = 2;
// RocksDB starts its default of 16 at each opening, however few tables there are.
constexpr int kFileOpeningThreads = 1;

rocksdb::DBOptions DatabaseOptions(const LogDatabaseOptions& options) {
  rocksdb::DBOptions result;
  result.env = options.env;
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  // A record that was being written when the machine stopped is dropped; other damage refuses. The
  // default mode would silently drop everything behind a damage.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  result.track_and_verify_wals_in_manifest = true;
  result.recycle_log_file_num = 0;
  result.paranoid_checks = true;
  result.flush_verify_memtable_count = true;
  result.verify_sst_unique_id_in_manifest = true;
  // What recovery reads from the write-ahead log may never have been synced: the process was
  // killed, or the sync failed. It goes to a synced table before anybody gets to read it.
  result.avoid_flush_during_recovery = false;
  // A failed write or sync is final until the process is started again.
  result.max_bgerror_resume_count = 0;
  if (options.listener) result.listeners.push_back(options.listener);
  result.max_total_wal_size = kWalWriteBuffersMax * options.write_buffer_bytes;
  result.max_open_files = -1;
  result.max_file_opening_threads = kFileOpeningThreads;
  result.max_background_jobs = kBackgroundJobsMax;
  result.bytes_per_sync = kBackgroundSyncBytes;
  result.info_log = options.info_log ? options.info_log : MakeRocksdbLogger(options.folder);
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families(const LogDatabaseOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::ChecksumType::kXXH3;
  table.block_size = kBlockBytes;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.cache_index_and_filter_blocks = true;

  rocksdb::ColumnFamilyOptions records;
  records.write_buffer_size = options.write_buffer_bytes;
  records.max_write_buffer_number = kWriteBuffersMax;
  records.target_file_size_base = kTableBytes;
  records.level_compaction_dynamic_level_bytes = true;
  records.compression = rocksdb::CompressionType::kLZ4Compression;
  records.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::ColumnFamilyOptions meta = records;
  meta.write_buffer_size = kMetaWriteBufferBytes;
  return {{rocksdb::kDefaultColumnFamilyName, meta}, {kRecordsFamily, records}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogDatabase>> LogDatabase::Open(const LogDatabaseOptions& options,
                                                               Mode mode) {
  const rocksdb::DBOptions db_options = DatabaseOptions(options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      mode == Mode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(db_options, options.folder, Families(options), &handles,
                                         &db)
          : rocksdb::DB::Open(db_options, options.folder, Families(options), &handles, &db);
  if (!status.ok()) return ErrorOf(options.folder, "cannot be opened", status);
  std::unique_ptr<LogDatabase> opened(new LogDatabase(options.folder));
  opened->db_.reset(db);
  opened->meta_ = handles[0];
  opened->records_ = handles[1];
  return opened;
}

LogDatabase::~LogDatabase() {
  for (rocksdb::ColumnFamilyHandle* family : {meta_, records_}) {
    // Fails for a null handle alone.
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
}

absl::StatusOr<LogState> LogDatabase::Load() {
  LogState state;
  std::string value;
  rocksdb::Status status = db_->Get({}, meta_, kIdKey, &state.id);
  if (!status.ok() && !status.IsNotFound()) return ErrorOf(folder_, "its id", status);
  status = db_->Get({}, meta_, kFloorKey, &value);
  if (!status.ok() && !status.IsNotFound()) return ErrorOf(folder_, "its begin", status);
  if (status.ok()) {
    const auto floor = DecodeFloor(value);
    if (!floor.ok()) return Annotate(floor.status(), fmt::format("event log {}", folder_));
    state.first = floor->first;
    state.bytes_before_first = floor->bytes_before;
  }
  RETURN_IF_ERROR(LoadNotes(state));
  state.next = state.first;
  state.bytes_before_next = state.bytes_before_first;

  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, records_));
  const std::string first_key = PositionKey(state.first);
  it->Seek(first_key);
  if (it->Valid()) {
    if (it->key() != first_key) {
      return DamagedError(folder_,
                          fmt::format("its first record {} is missing", state.first.value()));
    }
    it->SeekToLast();
  }
  if (it->Valid()) {
    ASSIGN_OR_RETURN(const LogPosition last, ParsePositionKey(it->key().ToStringView()));
    const auto record = DecodeStoredRecord(it->value().ToStringView());
    if (!record.ok()) {
      return Annotate(record.status(),
                      fmt::format("event log {}: record {}", folder_, last.value()));
    }
    state.next = last.Next();
    state.bytes_before_next = record->bytes_before + CountedBytes(record->payload);
  }
  if (!it->status().ok()) return ErrorOf(folder_, "its records", it->status());
  if (state.id.empty() && state.next != LogPosition(1)) {
    return DamagedError(folder_, "it has records and no id");
  }
  return state;
}

absl::Status LogDatabase::LoadNotes(LogState& state) {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
  const std::string_view prefix = kNotePrefix;
  for (it->Seek(kNotePrefix); it->Valid() && it->key().starts_with(kNotePrefix); it->Next()) {
    state.notes[it->key().ToString().substr(prefix.size())] = it->value().ToString();
  }
  return it->status().ok() ? absl::OkStatus() : ErrorOf(folder_, "its notes", it->status());
}

absl::Status LogDatabase::ErrorOf(std::string_view folder, std::string_view what,
                                  const rocksdb::Status& status) {
  CHECK(!status.ok());
  const std::string text = status.ToString();
  if (status.IsCorruption()) return DamagedError(folder, fmt::format("{}: {}", what, text));
  return absl::UnavailableError(fmt::format("event log {}: {}: {}", folder, what, text));
}

absl::Status DamagedError(std::string_view folder, std::string_view what) {
  return MakeError(
      "LOG_DAMAGED",
      fmt::format("event log {}: damaged: {}: nothing was changed; check the disk, then put a "
                  "sound copy of "
                  "the folder in its place, or move the folder away to start with an empty log",
                  folder, what));
}

}  // namespace alertjoin
