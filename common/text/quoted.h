#pragma once

#include <string>
#include <string_view>

namespace alertjoin {

// In double quotes, with quotes, backslashes and newlines escaped as in PromQL.
std::string Quoted(std::string_view text);

}  // namespace alertjoin
