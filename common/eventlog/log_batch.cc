#include "common/eventlog/log_batch.h"

#include <fmt/format.h>

#include <iterator>

#include "common/eventlog/log_records.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// Each step that deletes trimmed records leaves a marker that reads have to look at.
constexpr uint64_t kDeletionsPerWriteBuffer = 4;
// What a write takes besides the counted bytes of its records, which include their keys: a head,
// the begin of the log, a durable mark.
constexpr uint64_t kWriteOverheadBytes = 1 << 10;
// Of memory that is used again; more goes before the next write.
constexpr size_t kKeptBytes = 1 << 20;

// A batch is in memory: it takes everything.
void CheckTaken(const rocksdb::Status& status) { CHECK(status.ok()); }

}  // namespace

LogBatch::LogBatch(LogDatabase& database, uint64_t bytes_max, uint64_t write_buffer_bytes)
    : database_(database),
      bytes_max_(bytes_max),
      deleted_bytes_min_(write_buffer_bytes / kDeletionsPerWriteBuffer) {}

void LogBatch::Begin(const LogState& durable, uint64_t bytes) {
  durable_ = durable;
  state_ = durable;
  const size_t wanted = kWriteOverheadBytes + bytes;
  const size_t room = batch_.Data().capacity();
  if (room < wanted || room > kKeptBytes) {
    batch_ = rocksdb::WriteBatch(wanted);
  } else {
    batch_.Clear();
  }
}

absl::StatusOr<LogPosition> LogBatch::Append(std::span<const std::string> records, uint64_t bytes) {
  const uint64_t bytes_used = state_.bytes_before_next - state_.bytes_before_first;
  if (bytes_used > bytes_max_ || bytes > bytes_max_ - bytes_used) {
    return MakeError(
        "LOG_FULL",
        fmt::format(
            "event log: {} bytes in {} records do not fit: {} of {} bytes are in use, try again "
            "when older records have been trimmed",
            bytes, records.size(), bytes_used, bytes_max_));
  }
  const LogPosition first = state_.next;
  for (const std::string& record : records) {
    const std::string key = PositionKey(state_.next);
    const std::string head = EncodeStoredHead(state_.bytes_before_next);
    const rocksdb::Slice key_slice(key);
    const rocksdb::Slice value_slices[] = {head, record};
    CheckTaken(
        batch_.Put(database_.records(), {&key_slice, 1}, {value_slices, std::size(value_slices)}));
    state_.next = state_.next.Next();
    state_.bytes_before_next += CountedBytes(record);
  }
  return first;
}

void LogBatch::SetNote(const std::string& name, const std::string& value) {
  CheckTaken(batch_.Put(database_.meta(), kNotePrefix + name, value));
}

absl::StatusOr<bool> LogBatch::Trim(LogPosition before) {
  if (before > durable_.next) {
    return absl::OutOfRangeError(
        fmt::format("event log: trim before position {}: the next record will be {}",
                    before.value(), durable_.next.value()));
  }
  if (before <= state_.first) return false;
  ASSIGN_OR_RETURN(const uint64_t bytes_before, BytesBefore(before));
  const StoredFloor floor{before, bytes_before};
  CheckTaken(batch_.Put(database_.meta(), kFloorKey, EncodeFloor(floor)));
  state_.first = before;
  state_.bytes_before_first = bytes_before;
  if (bytes_before - deleted_.bytes_before < deleted_bytes_min_) return false;
  CheckTaken(
      batch_.DeleteRange(database_.records(), PositionKey(deleted_.first), PositionKey(before)));
  deleted_ = floor;
  return true;
}

absl::StatusOr<uint64_t> LogBatch::BytesBefore(LogPosition position) const {
  if (position == durable_.next) return durable_.bytes_before_next;
  return BytesBeforeRecord(database_, position);
}

rocksdb::WriteBatch& LogBatch::Finish() {
  CheckTaken(batch_.PutLogData(EncodeDurableMark(durable_.id, durable_.next)));
  return batch_;
}

}  // namespace alertjoin
