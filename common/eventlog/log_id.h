#pragma once

#include <string>
#include <string_view>

namespace alertjoin {

// An id that no other log has: `kind`, such as "disk", and 128 random bits.
std::string NewLogId(std::string_view kind);

}  // namespace alertjoin
