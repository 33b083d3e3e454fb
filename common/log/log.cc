#include "common/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "common/log/log_format.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& Logger() {
  // Never destroyed: threads may log while the process ends.
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("alertjoin", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    // The record is complete: spdlog only writes it.
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

}  // namespace

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  const std::string record = FormatLogRecord(CurrentLogFormat(), FormatRfc3339(SystemClock().Now()),
                                             level, message, fields);
  logger.log(ToSpdlog(level), spdlog::string_view_t(record.data(), record.size()));
}

bool IsLogged(LogLevel level) { return Logger().should_log(ToSpdlog(level)); }

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

std::string FormatLogRecord(LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
  return FormatLogRecord(LogFormat::kLogfmt, "", level, message, fields);
}

LogLimiter::LogLimiter(Millis interval, const Clock& clock) : interval_(interval), clock_(clock) {}

bool LogLimiter::Allow() {
  const int64_t now_ms =
      std::chrono::duration_cast<Millis>(clock_.SteadyNow().time_since_epoch()).count();
  int64_t next_allowed_ms = next_allowed_ms_.load(std::memory_order_relaxed);
  // Of the threads that come together one wins; the others find the time moved on.
  return now_ms >= next_allowed_ms &&
         next_allowed_ms_.compare_exchange_strong(next_allowed_ms, now_ms + interval_.count());
}

}  // namespace alertjoin
