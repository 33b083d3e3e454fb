#include "common/service/log_config.h"

#include <atomic>

namespace alertjoin {
namespace {

std::atomic<LogLevel> default_level = LogLevel::kInfo;

}  // namespace

const std::map<std::string, LogLevel>& LogLevels() {
  static const std::map<std::string, LogLevel> levels{{"debug", LogLevel::kDebug},
                                                      {"info", LogLevel::kInfo},
                                                      {"warn", LogLevel::kWarn},
                                                      {"error", LogLevel::kError}};
  return levels;
}

std::optional<LogLevel> ReadLogLevel(YamlNode node) {
  YamlNode level = node.Child("level");
  const std::string name = level.String("");
  node.Finish();
  if (!level.present()) return std::nullopt;
  const auto found = LogLevels().find(name);
  if (found != LogLevels().end()) return found->second;
  level.Fault("must be debug, info, warn or error");
  return std::nullopt;
}

void SetDefaultLogLevel(LogLevel level) {
  default_level = level;
  SetLogLevel(level);
}

void OverrideLogLevel(std::optional<LogLevel> level) { SetLogLevel(level.value_or(default_level)); }

}  // namespace alertjoin
