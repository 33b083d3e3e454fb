#pragma once

#include <atomic>
#include <string>

#include "common/eventlog/memory_event_log.h"

namespace alertjoin {

// A log in memory whose trims fail when told: what a crash before the trim leaves.
class UntrimmableLog final : public EventLog {
 public:
  explicit UntrimmableLog(uint64_t bytes_max) : log_(bytes_max) {}

  void FailTrims(bool fail) { fail_ = fail; }

  const std::string& id() const override { return log_.id(); }
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    return log_.Append(records);
  }
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max,
                             size_t bytes_max) const override {
    return log_.Read(from, records_max, bytes_max);
  }
  absl::Status Trim(LogPosition before) override {
    if (fail_ && before > log_.bounds().first) return absl::UnavailableError("no trim");
    return log_.Trim(before);
  }
  Bounds bounds() const override { return log_.bounds(); }

 private:
  MemoryEventLog log_;
  std::atomic<bool> fail_ = false;
};

}  // namespace alertjoin
