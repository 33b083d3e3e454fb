#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/eventlog/event_log.h"

namespace rocksdb {
class Env;
}

namespace alertjoin {

// An event log on disk, over RocksDB: what has been appended is there after a crash of the process
// or of the machine, as long as the disk keeps what it synced. Thread-safe.
//
// Life: Open recovers, then appends, reads and trims come from any threads, until the first failed
// write or sync. That one is final (a second sync could report success for data that the first one
// lost): every later Append and Trim fails, reads go on. Restart the process: Open recovers what
// was acknowledged. Destroying the log loses nothing; no call may be under way then.
class RocksdbEventLog final : public EventLog {
 public:
  // What the newest records may take in memory before they go to a table. Three of them may wait
  // for that, and four times as much write-ahead log be read at the next start.
  static constexpr uint64_t kWriteBufferBytes = 16 << 20;

  struct Options {
    // Holds the database; made when missing, in a folder that is there. One process at a time.
    std::string folder;
    // Room for records, kRecordOverheadBytes for each included, as in MemoryEventLog. The disk
    // also needs room for the write-ahead log and for what is trimmed but not yet deleted: some 10
    // write buffers, 40 when the disk is slow. Compression takes some of it off.
    uint64_t bytes_max = 0;
    // Called once, with what health() says from then on, when the log fails; on any thread, maybe
    // within Append or Trim. It must return soon and call nothing of the log but health(). Empty:
    // nobody is told.
    std::function<void(const absl::Status&)> on_failure;
    uint64_t write_buffer_bytes = kWriteBufferBytes;
    // Told how long each write with its sync took, failed ones as well; by one thread at a time. It
    // must return soon. Empty: nobody is told.
    std::function<void(std::chrono::duration<double>)> on_sync;
    // For tests; null is the machine's.
    std::shared_ptr<rocksdb::Env> env;
  };

  // Opens the log, or makes a new one with a new random id. A write that the last process or
  // machine did not live to acknowledge may be there or not, whole or not at all. Errors, which
  // leave the folder as it is:
  //   FAILED_PRECONDITION LOG_IN_USE          another process has it open
  //   FAILED_PRECONDITION LOG_FORMAT_UNKNOWN  written by another version of the program
  //   DATA_LOSS LOG_DAMAGED                   what was acknowledged cannot be read; says which file
  //   UNAVAILABLE                             any other I/O error
  // LOG_DAMAGED is also said after a power cut when the file system kept the length of the last
  // write and not its bytes (ext4 does not, in its default mode). Not found here are damaged tables
  // (Read finds them), a lost write-ahead log, and a damaged length in its last write: those two
  // look as if the machine had stopped while writing. Compare bounds() with what a peer knows.
  static absl::StatusOr<std::unique_ptr<RocksdbEventLog>> Open(Options options);
  ~RocksdbEventLog() override;

  // Stays the same as long as the database does: a lost disk comes back with another one. A copy
  // of the folder has the same.
  const std::string& id() const override;

  // Waits for the sync that makes the records durable; appends and trims of several threads share
  // one. Nobody reads them earlier. UNAVAILABLE, reason LOG_FAILED, once the log has failed: it is
  // not known whether these records will be there after a restart.
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override;

  // DATA_LOSS, reason LOG_DAMAGED, with the position or the file, when a record is missing or
  // damaged; FAILED_PRECONDITION, reason LOG_FORMAT_UNKNOWN, for one in an unknown format.
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max, size_t bytes_max) const override;

  // Waits for a sync, as Append does, and fails as it does: the new begin is durable when it
  // returns. Room for appends is there at once, on the disk somewhat later.
  absl::Status Trim(LogPosition before) override;

  // What is durable. No I/O.
  Bounds bounds() const override;

  std::string note(const std::string& name) const override;
  // Waits for a sync, as Append does, and fails as it does.
  absl::Status SetNote(const std::string& name, const std::string& value) override;

  // OK, or why the log takes nothing more: UNAVAILABLE, reason LOG_FAILED.
  absl::Status health() const;

  // For metrics and tests: appends, trims and notes that wait for a sync, and syncs done for them
  // so far.
  size_t pending() const;
  uint64_t syncs() const;

 private:
  class Impl;
  explicit RocksdbEventLog(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace alertjoin
