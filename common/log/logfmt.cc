#include "common/log/logfmt.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace alertjoin {
namespace {

bool IsKeyByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

// Bytes of the well-formed UTF-8 sequence at the start of `text`, and its code point; 0 when there
// is none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t DecodeUtf8(std::string_view text, uint32_t& code_point) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    code_point = byte(0);
    return 1;
  }
  const size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return 0;
  code_point = byte(0) & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point < kSmallest[size] || surrogate || code_point > 0x10ffff ? 0 : size;
}

// Breaks a line or steers a terminal: C0, DEL, C1, the line and paragraph separators and the marks
// that change the direction of writing.
bool IsControl(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
         (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

void AppendEscaped(uint32_t code_point, std::string& out) {
  switch (code_point) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (code_point < 0x80) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", code_point);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_point);
  }
}

}  // namespace

void AppendLogfmt(std::string_view key, std::string_view value, std::string& out) {
  for (const char c : key) out += IsKeyByte(c) ? c : '_';
  out += '=';
  const bool cut = value.size() > kLogValueBytesMax;
  const std::string_view shown = value.substr(0, kLogValueBytesMax);
  std::string body;
  bool plain = !shown.empty() && !cut;
  for (size_t at = 0; at < shown.size();) {
    uint32_t code_point = 0;
    const size_t size = DecodeUtf8(shown.substr(at), code_point);
    if (size == 0) {
      plain = false;
      fmt::format_to(std::back_inserter(body), "\\x{:02x}", static_cast<unsigned char>(shown[at]));
      ++at;
      continue;
    }
    if (IsControl(code_point)) {
      plain = false;
      AppendEscaped(code_point, body);
    } else {
      if (code_point == ' ' || code_point == '=') plain = false;
      if (code_point == '"' || code_point == '\\') {
        plain = false;
        body += '\\';
      }
      body += shown.substr(at, size);
    }
    at += size;
  }
  if (plain) {
    out += body;
    return;
  }
  out += '"';
  out += body;
  if (cut) out += "...";
  out += '"';
}

}  // namespace alertjoin
