#pragma once

// The RocksDB database of one event log: its options, its two column families, what is read from it
// when it is opened, and its errors as statuses. Only the files of this folder include it.

#include <rocksdb/db.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"

namespace alertjoin {

struct LogDatabaseOptions {
  std::string folder;
  rocksdb::Env* env = nullptr;  // Outlives the database.
  uint64_t write_buffer_bytes = 0;
  std::shared_ptr<rocksdb::EventListener> listener;  // Null: none.
  std::shared_ptr<rocksdb::Logger> info_log;         // Null: that of rocksdb_logger.h.
};

// What a log is, as its database tells when it is opened.
struct LogState {
  std::string id;  // Empty in a database that has none yet.
  LogPosition first{1};
  LogPosition next{1};
  // Counted bytes (stored_record.h) of all records that ever were before `first` and `next`.
  uint64_t bytes_before_first = 0;
  uint64_t bytes_before_next = 0;
  std::map<std::string, std::string> notes;
};

// An open database. Thread-safe, as RocksDB is.
class LogDatabase {
 public:
  enum class Mode {
    kReadWrite,
    // Looks at a database that exists and changes nothing, not even to repair the end of its
    // write-ahead log.
    kReadOnly,
  };
  // DATA_LOSS, reason LOG_DAMAGED, with the place when it is damaged elsewhere than at the end of
  // the write-ahead log; UNAVAILABLE when it cannot be read or written.
  static absl::StatusOr<std::unique_ptr<LogDatabase>> Open(const LogDatabaseOptions& options,
                                                           Mode mode);
  ~LogDatabase();

  rocksdb::DB& db() { return *db_; }
  const std::string& folder() const { return folder_; }
  rocksdb::ColumnFamilyHandle* records() { return records_; }
  rocksdb::ColumnFamilyHandle* meta() { return meta_; }

  // DATA_LOSS, reason LOG_DAMAGED, when what is read cannot be; FAILED_PRECONDITION for an unknown
  // format.
  absl::StatusOr<LogState> Load();

  // `status` as an error of the log in `folder`. REQUIRES: not OK.
  static absl::Status ErrorOf(std::string_view folder, std::string_view what,
                              const rocksdb::Status& status);

 private:
  LogDatabase(std::string folder) : folder_(std::move(folder)) {}

  absl::Status LoadNotes(LogState& state);

  const std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* records_ = nullptr;
};

inline constexpr char kRecordsFamily[] = "records";
// Keys of the other column family.
inline constexpr char kIdKey[] = "id";
inline constexpr char kFloorKey[] = "floor";
inline constexpr char kNotePrefix[] = "note/";

// The error for a log that has lost or damaged records.
absl::Status DamagedError(std::string_view folder, std::string_view what);

}  // namespace alertjoin
