#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/config/yaml_reader.h"
#include "common/log/log.h"

namespace alertjoin {

// By their names: debug, info, warn, error.
const std::map<std::string, LogLevel>& LogLevels();

// Reads the map `log`: `level`, which holds in place of --log.level and can change while the
// service runs. Nothing when it is absent. Faults go to the document.
std::optional<LogLevel> ReadLogLevel(YamlNode node);

// What the command line says: holds whenever the configuration says nothing. Thread-safe, as the
// next one.
void SetDefaultLogLevel(LogLevel level);
// What the configuration says.
void OverrideLogLevel(std::optional<LogLevel> level);

}  // namespace alertjoin
