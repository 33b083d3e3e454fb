#include "common/log/log_format.h"

#include <atomic>

#include "common/log/json_field.h"
#include "common/log/logfmt.h"

namespace alertjoin {
namespace {

std::atomic<LogFormat> current_format = LogFormat::kLogfmt;

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

}  // namespace

void SetLogFormat(LogFormat format) { current_format = format; }
LogFormat CurrentLogFormat() { return current_format; }

std::string FormatLogRecord(LogFormat format, std::string_view time, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields) {
  const bool json = format == LogFormat::kJson;
  std::string record;
  const auto add = [json, &record](std::string_view key, std::string_view value) {
    if (!record.empty()) record += json ? ',' : ' ';
    json ? AppendJsonField(key, value, record) : AppendLogfmt(key, value, record);
  };
  if (!time.empty()) add("ts", time);
  add("level", NameOf(level));
  add("msg", message);
  for (const LogField& field : fields) add(field.key, field.value);
  return json ? "{" + record + "}" : record;
}

}  // namespace alertjoin
