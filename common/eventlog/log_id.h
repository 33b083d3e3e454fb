#pragma once

#include <string>
#include <string_view>

namespace alertjoin {

// 128 random bits in hex: an id that nothing else has.
std::string RandomId();

// An id that no other log has: `kind`, such as "disk", and a random id.
std::string NewLogId(std::string_view kind);

}  // namespace alertjoin
