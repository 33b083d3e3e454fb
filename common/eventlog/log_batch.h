#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"
#include "common/eventlog/log_database.h"
#include "common/eventlog/stored_record.h"

namespace alertjoin {

// What goes to the database of an event log in one write: appends, notes and trims, which become
// durable together or not at all. Who writes it is its user. Used for one write after the other, by
// one thread at a time.
class LogBatch {
 public:
  // `database` outlives it. The log has room for records of `bytes_max` counted bytes
  // (stored_record.h). Trimmed records are deleted in steps of a share of `write_buffer_bytes`.
  LogBatch(LogDatabase& database, uint64_t bytes_max, uint64_t write_buffer_bytes);

  // Begins the next write, to a log of which `durable` is on the disk, with memory for records of
  // `bytes` counted bytes. What the last one held must have been written, or the log have failed.
  void Begin(const LogState& durable, uint64_t bytes);

  // Adds records of `bytes` counted bytes and gives the position of the first. RESOURCE_EXHAUSTED,
  // reason LOG_FULL, when they do not fit, nothing added.
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records, uint64_t bytes);

  void SetNote(const std::string& name, const std::string& value);

  // Adds the new begin, unless the log begins there or later already. True when the trimmed records
  // are deleted with it: tables that hold nothing else can go once it is durable. OUT_OF_RANGE
  // beyond what is durable; errors of BytesBeforeRecord when the record there cannot be read;
  // nothing added then.
  absl::StatusOr<bool> Trim(LogPosition before);

  // Nothing has been added since Begin.
  bool empty() const { return batch_.Count() == 0; }

  // The log once all this is durable; without its notes.
  const LogState& state() const { return state_; }

  // The whole write, with the mark of what was durable before it. REQUIRES: not empty, and called
  // once.
  rocksdb::WriteBatch& Finish();

 private:
  absl::StatusOr<uint64_t> BytesBefore(LogPosition position) const;

  LogDatabase& database_;
  const uint64_t bytes_max_;
  const uint64_t deleted_bytes_min_;  // By one step.
  rocksdb::WriteBatch batch_;         // Its memory is used again.
  LogState durable_;
  LogState state_;
  StoredFloor deleted_;  // Trimmed records before it have been deleted.
};

}  // namespace alertjoin
