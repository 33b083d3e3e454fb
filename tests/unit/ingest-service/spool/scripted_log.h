#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "common/eventlog/memory_event_log.h"
#include "tests/support/forwarding_log.h"

namespace alertjoin {

// A log in memory that does as a test wants. Thread-safe, but for OnCall.
class ScriptedLog final : public ForwardingLog {
 public:
  explicit ScriptedLog(uint64_t bytes_max) : ForwardingLog(log_), log_(bytes_max) {}

  // Whether trims fail: what a crash before the trim leaves.
  void FailTrims(bool fail) { fail_ = fail; }
  // Does `what` before the append, read or trim number `number` from now on, counted from 1: what
  // another thread may do between two calls. Once; calls that it makes itself do not count.
  void OnCall(int number, std::function<void()> what) {
    calls_until_ = number;
    what_ = std::move(what);
  }

  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    Called();
    return ForwardingLog::Append(records);
  }
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max,
                             size_t bytes_max) const override {
    Called();
    return ForwardingLog::Read(from, records_max, bytes_max);
  }
  absl::Status Trim(LogPosition before) override {
    Called();
    if (fail_ && before > bounds().first) return absl::UnavailableError("no trim");
    return ForwardingLog::Trim(before);
  }

 private:
  void Called() const {
    if (!what_ || --calls_until_ > 0) return;
    std::exchange(what_, nullptr)();
  }

  MemoryEventLog log_;
  std::atomic<bool> fail_ = false;
  mutable int calls_until_ = 0;
  mutable std::function<void()> what_;
};

}  // namespace alertjoin
