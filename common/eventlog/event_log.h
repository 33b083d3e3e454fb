#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alertjoin {

// Position of a record in one event log. Positions start at 1 and have no holes.
class LogPosition {
 public:
  constexpr LogPosition() = default;
  constexpr explicit LogPosition(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr LogPosition Next(uint64_t steps = 1) const { return LogPosition(value_ + steps); }
  friend constexpr auto operator<=>(LogPosition, LogPosition) = default;

 private:
  uint64_t value_ = 0;
};

// An append-only sequence of records with a moving start: the ingest-service's spool and the
// correlator's log stand on it. Thread-safe.
class EventLog {
 public:
  // Room that a record takes besides its bytes, so that empty records are bounded too.
  static constexpr uint64_t kRecordOverheadBytes = 48;

  // Records [first, next) are there. `bytes` is their size, kRecordOverheadBytes for each included.
  struct Bounds {
    LogPosition first;
    LogPosition next;
    uint64_t bytes = 0;
  };
  // Records first, first + 1, ... ; none when the log has nothing at or after the asked position.
  struct Chunk {
    LogPosition first;
    std::vector<std::string> records;
  };

  virtual ~EventLog() = default;

  // Identity of this log; positions of logs with different ids are not comparable.
  virtual const std::string& id() const = 0;

  // Appends all records or none and gives the position of the first. They are kept, as durably as
  // the implementation promises, when this returns. RESOURCE_EXHAUSTED, reason LOG_FULL, when they
  // do not fit: trim, or try later. REQUIRES: not empty.
  virtual absl::StatusOr<LogPosition> Append(std::span<const std::string> records) = 0;

  // Up to `records_max` records from `from` on, as many as fit into `bytes_max` but at least one
  // when there is one. OUT_OF_RANGE when `from` has been trimmed or lies beyond `next`.
  virtual absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max,
                                     size_t bytes_max) const = 0;

  // Forgets the records before `before`. Beyond `next`: OUT_OF_RANGE, nothing changed.
  virtual absl::Status Trim(LogPosition before) = 0;

  virtual Bounds bounds() const = 0;

  // Small values that stay with the records, kept as those are when SetNote returns; "" for a name
  // that was never set. No I/O to read one.
  virtual std::string note(const std::string& name) const = 0;
  virtual absl::Status SetNote(const std::string& name, const std::string& value) = 0;
};

}  // namespace alertjoin
