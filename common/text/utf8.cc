#include "common/text/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace alertjoin {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD.

// Bytes of the well-formed sequence at the start of `text`, 0 when there is none. The table of
// ranges is that of the Unicode standard (table 3-7).
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto in = [&](size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (in(0, 0xc2, 0xdf)) return in(1, 0x80, 0xbf) ? 2 : 0;
  if (in(0, 0xe0, 0xef)) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return in(1, low, high) && in(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (in(0, 0xf0, 0xf4)) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return in(1, low, high) && in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

// Bytes of ASCII at the start of `text`, rounded down to whole words of 8: most text is nothing
// else.
size_t AsciiWords(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t length = 0;
  for (uint64_t word = 0; length + sizeof(word) <= text.size(); length += sizeof(word)) {
    std::memcpy(&word, text.data() + length, sizeof(word));
    if ((word & kHighBits) != 0) break;
  }
  return length;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  text.remove_prefix(AsciiWords(text));
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string ValidUtf8(std::string_view text, size_t bytes_max) {
  std::string result;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const std::string_view added = length == 0 ? kReplacement : text.substr(0, length);
    if (result.size() + added.size() > bytes_max) break;
    result += added;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

}  // namespace alertjoin
