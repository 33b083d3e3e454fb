#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alertjoin {

// True for well-formed UTF-8 (no overlong forms, surrogates or values above U+10FFFF).
bool IsValidUtf8(std::string_view text);

// The text as a proto3 string may be, in at most `bytes_max` bytes: each byte that is no part of a
// well-formed sequence becomes U+FFFD, and what does not fit is cut off, between sequences. For
// what a peer said, whatever its bytes.
std::string ValidUtf8(std::string_view text, size_t bytes_max);

}  // namespace alertjoin
