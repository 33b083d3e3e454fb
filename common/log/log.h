#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/time/clock.h"

namespace alertjoin {

// Error: someone must act. Warn: degraded but working. Info: life cycle. Debug: per event.
enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;
};

// Writes one record to standard error, as SetLogFormat says: ts=... level=... msg="..." key=value
// or a JSON object with these keys. Values are escaped: each record stays on one line. Thread-safe.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
inline void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarn(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarn, message, fields);
}
inline void LogError(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

// Records below `level` are dropped. Default: info. Thread-safe.
void SetLogLevel(LogLevel level);

// The record that Log would write as logfmt, without the time: what the tests look at.
std::string FormatLogRecord(LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields);

// How often a fault that goes on is told again, where nothing speaks for another interval.
constexpr Millis kLogInterval{60'000};

// Lets one record through per interval, for messages that a peer can cause at will. Thread-safe.
class LogLimiter {
 public:
  explicit LogLimiter(Millis interval, const Clock& clock = SystemClock());
  // True when the caller may log now.
  bool Allow();

 private:
  const Millis interval_;
  const Clock& clock_;
  std::atomic<int64_t> next_allowed_ms_{INT64_MIN};
};

}  // namespace alertjoin
