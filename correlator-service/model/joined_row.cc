#include "correlator-service/model/joined_row.h"

#include <cstring>

namespace alertjoin {

size_t RowIdHash::operator()(const RowId& id) const {
  size_t hash = 0;  // The bytes are a hash already.
  std::memcpy(&hash, id.bytes.data(), sizeof(hash));
  return hash;
}

std::string ToHex(const RowId& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * id.bytes.size());
  for (const uint8_t byte : id.bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<RowId> RowIdFromHex(std::string_view text) {
  RowId id;
  if (text.size() != 2 * id.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return std::nullopt;
    }
    id.bytes[i / 2] = static_cast<uint8_t>(id.bytes[i / 2] << 4 | digit);
  }
  return id;
}

}  // namespace alertjoin
