#include "common/eventlog/memory_event_log.h"

#include <fmt/format.h>

#include "common/eventlog/log_id.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

uint64_t SizeOf(const std::string& record) {
  return record.size() + EventLog::kRecordOverheadBytes;
}

}  // namespace

MemoryEventLog::MemoryEventLog(uint64_t bytes_max)
    : id_(NewLogId("memory")), bytes_max_(bytes_max) {}

absl::StatusOr<LogPosition> MemoryEventLog::Append(std::span<const std::string> records) {
  CHECK(!records.empty());
  uint64_t bytes = 0;
  for (const std::string& record : records) bytes += SizeOf(record);
  MutexLock lock(mutex_);
  if (bytes > bytes_max_ - bytes_) {
    return MakeError(
        "LOG_FULL",
        fmt::format(
            "event log: {} bytes in {} records do not fit: {} of {} bytes are in use, try again "
            "when older records have been trimmed",
            bytes, records.size(), bytes_, bytes_max_));
  }
  const LogPosition first = Next();
  records_.insert(records_.end(), records.begin(), records.end());
  bytes_ += bytes;
  return first;
}

absl::StatusOr<EventLog::Chunk> MemoryEventLog::Read(LogPosition from, size_t records_max,
                                                     size_t bytes_max) const {
  MutexLock lock(mutex_);
  if (from < first_ || from > Next()) {
    return absl::OutOfRangeError(
        fmt::format("event log: read from position {}: the log holds {} up to, not including, {}",
                    from.value(), first_.value(), Next().value()));
  }
  Chunk chunk{from, {}};
  size_t bytes = 0;
  for (size_t i = from.value() - first_.value(); i < records_.size(); ++i) {
    const std::string& record = records_[i];
    if (chunk.records.size() >= records_max) break;
    if (!chunk.records.empty() && record.size() > bytes_max - bytes) break;
    bytes += record.size();
    chunk.records.push_back(record);
    if (bytes >= bytes_max) break;
  }
  return chunk;
}

absl::Status MemoryEventLog::Trim(LogPosition before) {
  MutexLock lock(mutex_);
  if (before > Next()) {
    return absl::OutOfRangeError(
        fmt::format("event log: trim before position {}: the next record will be {}",
                    before.value(), Next().value()));
  }
  while (first_ < before) {
    bytes_ -= SizeOf(records_.front());
    records_.pop_front();
    first_ = first_.Next();
  }
  return absl::OkStatus();
}

EventLog::Bounds MemoryEventLog::bounds() const {
  MutexLock lock(mutex_);
  return Bounds{first_, Next(), bytes_};
}

std::string MemoryEventLog::note(const std::string& name) const {
  MutexLock lock(mutex_);
  const auto found = notes_.find(name);
  return found == notes_.end() ? "" : found->second;
}

absl::Status MemoryEventLog::SetNote(const std::string& name, const std::string& value) {
  MutexLock lock(mutex_);
  notes_[name] = value;
  return absl::OkStatus();
}

}  // namespace alertjoin
