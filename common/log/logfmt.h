#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alertjoin {

// Longer values are cut, with "..." at the end: a record stays readable whatever a peer sends.
constexpr size_t kLogValueBytesMax = 4096;

// Appends key=value in logfmt. The value is quoted when it is empty or contains anything but plain
// visible characters; in quotes, `"` and `\` are escaped, and control characters, line separators
// and bytes that are no UTF-8 become \n, \r, \t, \xNN or \uNNNN. Bytes of the key other than
// letters, digits and `_` `.` `-` become `_`. Never fails.
void AppendLogfmt(std::string_view key, std::string_view value, std::string& out);

}  // namespace alertjoin
