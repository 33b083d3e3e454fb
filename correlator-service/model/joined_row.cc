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

}  // namespace alertjoin
