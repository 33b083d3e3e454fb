#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/failure_latch.h"
#include "common/sync/mutex.h"
#include "correlator-service/model/alert_report.h"
#include "correlator-service/rows/change_log.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/rows/stored_keys.h"

namespace rocksdb {
class Env;
class Iterator;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace alertjoin {

class RowFiles;

// The joined rows, the log of their changes and of the alerts' ones, the alerts' reports, how the
// sources fare, and the position in the event log up to which all that has been applied, on disk,
// over RocksDB. Of an alert itself only the sequence of its last change is kept: all else follows
// from its reports. A database from before alerts had sequences opens; they have none then.
//
// Each write is atomic: at any time, and after any crash, what is there is what the writes up to
// one of them made, applied position included. Writes are not synced: the death of the process
// loses none, a power cut may lose those after the last Sync. What is lost is to be made again from
// the event log, from applied() on; so that must not be trimmed beyond what a Sync has covered, and
// whoever opens a database whose applied() lies before the begin of the event log has lost rows.
//
// Life: Open, then ForEachReport and ForEachRow, then writes, until the first failed write or sync.
// That one is final: every later Write and Sync fails, reads go on. Threads: one thread writes and
// syncs; everything that is const may be called from any thread. Destroying it loses nothing; no
// call may be under way then.
class RowDatabase {
 public:
  // What may be written before it goes to tables; the memory and write-ahead log that it takes is a
  // few times as much.
  static constexpr uint64_t kWriteBufferBytes = 16 << 20;
  static constexpr ChangeLogLimits kChangeLogLimits = {4'000'000, size_t{4} << 30};

  struct Options {
    // Holds the database; made when missing, in a folder that is there. One process at a time.
    std::string folder;
    // Beyond them the oldest change sets are dropped, but none of the last write. Bytes are of keys
    // and values before compression; what is dropped takes room on the disk somewhat longer.
    ChangeLogLimits change_log = kChangeLogLimits;
    // Called once, with what health() says from then on, when a write or sync fails; on any thread,
    // maybe within Write or Sync. It must return soon and call nothing here but health(). Empty:
    // nobody is told.
    std::function<void(const absl::Status&)> on_failure;
    uint64_t write_buffer_bytes = kWriteBufferBytes;
    // For tests; null is the machine's.
    std::shared_ptr<rocksdb::Env> env;
  };

  // What one round of the writer changes.
  struct Changes {
    // Everything up to it has been applied with this. Default: as before. REQUIRES otherwise: not
    // before applied().
    LogPosition applied;
    // With the sequences from newest() on.
    std::span<const SharedChangeSet> sets;
    // A report that is gone is removed.
    std::span<const AlertReport> reports;
    // Kept under their receive time and `applied`.
    std::span<const RawPayload> raw_payloads;
    // Raw payloads from before it are removed, maybe up to an hour later.
    std::optional<Timestamp> row_horizon;
    // Kept under their kind, source and producer; or removed.
    std::span<const SharedSourceStatus> sources_told;
    std::span<const SharedSourceStatus> sources_gone;
  };

  // Opens the database, or makes a new one with a new random id. Errors, which leave the folder as
  // it is:
  //   FAILED_PRECONDITION ROWS_IN_USE          another process has it open
  //   FAILED_PRECONDITION ROWS_FORMAT_UNKNOWN  written by another version of the program
  //   DATA_LOSS ROWS_DAMAGED                   what was synced cannot be read; says what
  //   UNAVAILABLE                              any other I/O error
  // Damaged tables are found when they are read.
  static absl::StatusOr<std::unique_ptr<RowDatabase>> Open(Options options);
  ~RowDatabase();

  // --- For the writer thread ---

  // Writes all of it or nothing; not synced. UNAVAILABLE, reason ROWS_FAILED, once a write or sync
  // has failed.
  absl::Status Write(const Changes& changes) EXCLUDES_LOCK(mutex_);
  // Makes everything written durable. Fails as Write does: it is not known then what is durable.
  absl::Status Sync() EXCLUDES_LOCK(mutex_);
  // Says which event log applied() is a position of; durable. Fails as Write does.
  absl::Status SetLogId(const std::string& log_id) EXCLUDES_LOCK(mutex_);
  // Gives it a new random id; durable. Fails as Write does. REQUIRES: nobody else uses it yet.
  absl::Status RenewStoreId();

  // --- For the thread that recovers, before the first write ---

  // Gives all rows in the order of their ids, or all reports, those of one alert adjacent and by
  // starts_at. They are read bit by bit, and share nothing. DATA_LOSS, reason ROWS_DAMAGED, or
  // FAILED_PRECONDITION, reason ROWS_FORMAT_UNKNOWN, at the first that cannot be read, with its
  // key; those before it have been given.
  absl::Status ForEachRow(const std::function<void(JoinedRow)>& visit) const;
  absl::Status ForEachReport(const std::function<void(AlertReport)>& visit) const;

  // Gives the sequences of all alerts that have one, by id. Errors as in ForEachRow.
  absl::Status ForEachAlert(const std::function<void(RowId, Sequence)>& visit) const;

  // Gives all raw payloads by receive time, as they were received. Errors as in ForEachRow.
  absl::Status ForEachRawPayload(const std::function<void(RawPayload)>& visit) const;
  // Gives all sources, in no particular order. Errors as in ForEachRow.
  absl::Status ForEachSource(const std::function<void(SourceStatus)>& visit) const;

  // --- For any thread ---

  // Change sets after `after` and up to `through`, as RowStore::ReadChanges gives them, with
  // previous versions as DecodeStoredChangeSet says; `newest` is `through`. OUT_OF_RANGE when
  // `after` is below the floor; errors of reading as in ForEachRow. REQUIRES: through <= newest().
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, Sequence through, size_t changes_max,
                                          size_t bytes_max) const EXCLUDES_LOCK(mutex_);

  // Stays the same as long as the database does, but for RenewStoreId. A copy of the folder has the
  // same.
  const std::string& store_id() const { return store_id_; }
  // Empty in a new database.
  std::string log_id() const EXCLUDES_LOCK(mutex_);
  // As written last; 0 in a new database.
  LogPosition applied() const { return state().applied; }
  Sequence newest() const { return state().newest; }
  // Changes after this sequence can be read.
  Sequence floor() const { return state().floor; }
  // What of the change log can be read.
  ChangeLogSize change_log_size() const;
  // OK, or why nothing more is taken: UNAVAILABLE, reason ROWS_FAILED.
  absl::Status health() const { return latch_.failure(); }

 private:
  explicit RowDatabase(Options options);

  absl::Status OpenFiles();
  absl::Status Load();
  absl::Status Make();
  absl::Status CheckChangeLog(const StoredState& state) const;
  void AddSets(std::span<const SharedChangeSet> sets, StoredState& state,
               rocksdb::WriteBatch& batch) const;
  absl::Status AddTrim(Sequence newest_before, StoredState& state,
                       rocksdb::WriteBatch& batch) const;
  rocksdb::Status AddReports(const Changes& changes, rocksdb::WriteBatch& batch) const;
  rocksdb::Status AddRawPayloads(const Changes& changes, rocksdb::WriteBatch& batch);
  rocksdb::Status AddSources(const Changes& changes, rocksdb::WriteBatch& batch) const;
  absl::StatusOr<ChangeLogSize> SizeThrough(Sequence sequence) const;
  absl::Status WriteBatchNow(rocksdb::WriteBatch& batch);
  absl::Status CheckReadable(Sequence after) const;
  absl::Status ReadSets(Sequence after, Sequence through, size_t changes_max, size_t bytes_max,
                        ChangesRead& read) const;
  // `status` of a value that cannot be decoded, with its place.
  absl::Status At(std::string_view what, const absl::Status& status) const;
  StoredState state() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return state_;
  }

  const Options options_;
  FailureLatch latch_;
  // Constant after Open and RenewStoreId.
  std::string store_id_;
  std::unique_ptr<RowFiles> files_;
  // Writer thread only.
  uint64_t unflushed_bytes_ = 0;
  Timestamp raw_payload_floor_ = Timestamp::Min();  // Those before it have been removed.

  mutable Mutex mutex_;
  // As written last, but for the floor: that of the write under way.
  StoredState state_ GUARDED_BY(mutex_);
  std::string log_id_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
