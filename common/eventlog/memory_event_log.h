#pragma once

#include <deque>
#include <map>
#include <string>

#include "common/eventlog/event_log.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// An event log in memory: a record is kept as long as the process lives, and its random id says so
// to whoever compares positions. Thread-safe.
class MemoryEventLog final : public EventLog {
 public:
  // Holds at most `bytes_max` bytes of records, kRecordOverheadBytes for each included.
  explicit MemoryEventLog(uint64_t bytes_max);

  const std::string& id() const override { return id_; }
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override
      EXCLUDES_LOCK(mutex_);
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max, size_t bytes_max) const override
      EXCLUDES_LOCK(mutex_);
  absl::Status Trim(LogPosition before) override EXCLUDES_LOCK(mutex_);
  Bounds bounds() const override EXCLUDES_LOCK(mutex_);
  std::string note(const std::string& name) const override EXCLUDES_LOCK(mutex_);
  absl::Status SetNote(const std::string& name, const std::string& value) override
      EXCLUDES_LOCK(mutex_);

 private:
  LogPosition Next() const REQUIRES_LOCK(mutex_) { return first_.Next(records_.size()); }

  const std::string id_;
  const uint64_t bytes_max_;
  mutable Mutex mutex_;
  std::deque<std::string> records_ GUARDED_BY(mutex_);
  LogPosition first_ GUARDED_BY(mutex_){1};
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::string> notes_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
