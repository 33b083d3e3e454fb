#pragma once

// How an event log on disk writes its keys and values. Numbers are big-endian and of fixed width,
// so that the order of the keys' bytes is the order of the positions.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"

namespace alertjoin {

// The format of values; the first byte of each says which one it has.
constexpr uint8_t kStoredFormatVersion = 1;

// Key of the record at a position: 8 bytes.
std::string PositionKey(LogPosition position);
// DATA_LOSS when the key is none.
absl::StatusOr<LogPosition> ParsePositionKey(std::string_view key);

// The bytes of a record as EventLog::Bounds counts them.
inline uint64_t CountedBytes(std::string_view payload) {
  return payload.size() + EventLog::kRecordOverheadBytes;
}

// A record as stored: version, bytes_before, payload.
struct StoredRecord {
  // Counted bytes of all records that ever were before it: the difference of two is the size of
  // what lies between, without reading that.
  uint64_t bytes_before = 0;
  std::string_view payload;  // Into the value it was decoded from.
};
std::string EncodeStoredRecord(uint64_t bytes_before, std::string_view payload);
// What comes before the payload.
std::string EncodeStoredHead(uint64_t bytes_before);
// FAILED_PRECONDITION, reason LOG_FORMAT_UNKNOWN, for a version that is not known, DATA_LOSS when
// the value is too short.
absl::StatusOr<StoredRecord> DecodeStoredRecord(std::string_view value);

// Where the log begins: what lies before has been trimmed.
struct StoredFloor {
  LogPosition first{1};
  uint64_t bytes_before = 0;  // Counted bytes of all trimmed records.
};
std::string EncodeFloor(const StoredFloor& floor);
// Errors as DecodeStoredRecord.
absl::StatusOr<StoredFloor> DecodeFloor(std::string_view value);

// A mark that goes into the write-ahead log with each write, and only there: when it is written,
// every record before `durable` has been synced. Recovery that ends before such a position has lost
// records that were acknowledged (recovery_check.h).
std::string EncodeDurableMark(std::string_view log_id, LogPosition durable);
// The greatest position among the whole marks of the log `log_id` that are found in `bytes`; 0
// without. One that a block border of the write-ahead log cuts in two is passed over.
LogPosition FindDurableMark(std::string_view bytes, std::string_view log_id);

}  // namespace alertjoin
