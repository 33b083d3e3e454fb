#pragma once

#include <string>
#include <string_view>

namespace alertjoin {

// Appends "key":"value" in JSON. All but printable ASCII is escaped; bytes that are no UTF-8 become
// U+FFFD; a value longer than kLogValueBytesMax is cut, with "..." at the end. Never fails.
void AppendJsonField(std::string_view key, std::string_view value, std::string& out);

}  // namespace alertjoin
