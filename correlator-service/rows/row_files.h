#pragma once

// The RocksDB database that a RowDatabase stands on: its options, its column families, how it is
// opened, and its errors as statuses. Only row_database.cc includes it.

#include <rocksdb/db.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace alertjoin {

struct RowFilesOptions {
  std::string folder;
  rocksdb::Env* env = nullptr;  // Outlives the database.
  // No memtable gets as large as four times this: RowFiles never starts a new write-ahead log by
  // itself, see StartNewFiles.
  uint64_t write_buffer_bytes = 0;
  // Called for failures of RocksDB's own threads, on any thread.
  std::function<void(const absl::Status&)> on_failure;
};

// An open database. Thread-safe, as RocksDB is.
class RowFiles {
 public:
  // Makes the folder when it is missing, in a folder that is there. Errors as RowDatabase::Open.
  static absl::StatusOr<std::unique_ptr<RowFiles>> Open(RowFilesOptions options);
  ~RowFiles();

  rocksdb::DB& db() { return *db_; }
  const std::string& folder() const { return folder_; }
  rocksdb::ColumnFamilyHandle* meta() { return meta_; }
  rocksdb::ColumnFamilyHandle* rows() { return rows_; }
  rocksdb::ColumnFamilyHandle* changes() { return changes_; }
  rocksdb::ColumnFamilyHandle* reports() { return reports_; }
  rocksdb::ColumnFamilyHandle* raw_payloads() { return raw_payloads_; }
  rocksdb::ColumnFamilyHandle* sources() { return sources_; }
  rocksdb::ColumnFamilyHandle* alerts() { return alerts_; }

  // Moves what was written into tables, in the background, and starts a new write-ahead log.
  // REQUIRES: all of it was synced, and nothing is written meanwhile. Otherwise a power cut could
  // take the end of the old log and leave the new one: RocksDB does not notice such a hole when it
  // lies between two records.
  rocksdb::Status StartNewFiles();

  // `status` as an error of the store in `folder`: DATA_LOSS, reason ROWS_DAMAGED, or UNAVAILABLE.
  // REQUIRES: not OK.
  static absl::Status ErrorOf(std::string_view folder, std::string_view what,
                              const rocksdb::Status& status);
  // A failure that is final: UNAVAILABLE, reason ROWS_FAILED.
  static absl::Status FailedError(std::string_view folder, std::string_view why);

 private:
  explicit RowFiles(std::string folder) : folder_(std::move(folder)) {}

  const std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* rows_ = nullptr;
  rocksdb::ColumnFamilyHandle* changes_ = nullptr;
  rocksdb::ColumnFamilyHandle* reports_ = nullptr;
  rocksdb::ColumnFamilyHandle* raw_payloads_ = nullptr;
  rocksdb::ColumnFamilyHandle* sources_ = nullptr;
  rocksdb::ColumnFamilyHandle* alerts_ = nullptr;
};

}  // namespace alertjoin
