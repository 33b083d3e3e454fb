#pragma once

#include <string>

#include "common/eventlog/event_log.h"

namespace alertjoin {

// Passes everything on to another log, which it does not own: for tests that look at some of the
// calls, or have some of them fail. As thread-safe as that log.
class ForwardingLog : public EventLog {
 public:
  explicit ForwardingLog(EventLog& log) : log_(log) {}

  const std::string& id() const override { return log_.id(); }
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    return log_.Append(records);
  }
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max,
                             size_t bytes_max) const override {
    return log_.Read(from, records_max, bytes_max);
  }
  absl::Status Trim(LogPosition before) override { return log_.Trim(before); }
  Bounds bounds() const override { return log_.bounds(); }
  std::string note(const std::string& name) const override { return log_.note(name); }
  absl::Status SetNote(const std::string& name, const std::string& value) override {
    return log_.SetNote(name, value);
  }

 private:
  EventLog& log_;
};

}  // namespace alertjoin
