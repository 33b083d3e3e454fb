#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/log/log.h"

namespace alertjoin {

enum class LogFormat { kLogfmt, kJson };

// How Log writes records from now on: as logfmt, which is the default, or as JSON objects with the
// same keys, one a line. Thread-safe.
void SetLogFormat(LogFormat format);
LogFormat CurrentLogFormat();

// Whether records of this level are written, for those that cost something to make. Thread-safe.
bool IsLogged(LogLevel level);

// The record that Log writes at this time, which is left out when it is empty.
std::string FormatLogRecord(LogFormat format, std::string_view time, LogLevel level,
                            std::string_view message, std::initializer_list<LogField> fields);

}  // namespace alertjoin
