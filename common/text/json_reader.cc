#include "common/text/json_reader.h"

#include <fmt/format.h>

#include "common/text/hex.h"
#include "common/text/utf8.h"

namespace alertjoin {

bool JsonReader::Fail(std::string_view why) {
  if (ok()) failure_ = fmt::format("{} at byte {}", why, at_ - begin_);
  at_ = end_;
  return false;
}

bool JsonReader::Expected(std::string_view what) {
  return Fail(at_ == end_ ? fmt::format("not JSON: it ends where {} is expected", what)
                          : fmt::format("expected {}", what));
}

bool JsonReader::NextKey(std::string_view* key) {
  if (!Next() || !ReadString(key)) return false;
  if (Peek() != ':') return Expected("a colon");
  ++at_;
  return true;
}

bool JsonReader::ReadAnyString(std::string_view* text) {
  unescaped_.clear();
  while (at_ < end_) {
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte == '"') {
      if (!IsValidUtf8(unescaped_)) return Fail("a string that is not UTF-8 ends");
      ++at_;
      *text = unescaped_;
      return true;
    }
    if (byte < 0x20) return Fail("a control character in a string");
    ++at_;
    if (byte != '\\') {
      unescaped_ += static_cast<char>(byte);
    } else if (!ReadEscape()) {
      return false;
    }
  }
  return Expected("the end of a string");
}

bool JsonReader::ReadEscape() {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char escape = at_ < end_ ? *at_ : '\0';
  if (const size_t found = kEscapes.find(escape); found != std::string_view::npos) {
    ++at_;
    unescaped_ += kMeanings[found];
    return true;
  }
  uint32_t code = 0;
  if (escape != 'u') return Fail("a broken escape");
  ++at_;
  if (!ReadHex4(&code)) return false;
  if (code >= 0xd800 && code <= 0xdbff) {
    uint32_t low = 0;
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return Fail("half of a surrogate pair");
    at_ += 2;
    if (!ReadHex4(&low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return Fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xdc00 && code <= 0xdfff) {
    return Fail("half of a surrogate pair");
  }
  AppendUtf8(code);
  return true;
}

bool JsonReader::ReadHex4(uint32_t* code) {
  *code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const int digit = at_ < end_ ? HexDigitValue(*at_) : -1;
    if (digit < 0) return Fail("a broken escape");
    *code = *code * 16 + static_cast<uint32_t>(digit);
  }
  return true;
}

void JsonReader::AppendUtf8(uint32_t code) {
  const auto append = [this](uint32_t byte) { unescaped_ += static_cast<char>(byte); };
  if (code < 0x80) return append(code);
  if (code < 0x800) {
    append(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    append(0xe0 | code >> 12);
    append(0x80 | (code >> 6 & 0x3f));
  } else {
    append(0xf0 | code >> 18);
    append(0x80 | (code >> 12 & 0x3f));
    append(0x80 | (code >> 6 & 0x3f));
  }
  append(0x80 | (code & 0x3f));
}

bool JsonReader::SkipScalar() {
  std::string_view ignored;
  const char next = Peek();
  if (next == '-' || (next >= '0' && next <= '9')) return ReadNumber(&ignored);
  switch (next) {
    case '"':
      return ReadString(&ignored);
    case 't':
      return SkipLiteral("true");
    case 'f':
      return SkipLiteral("false");
    case 'n':
      return SkipLiteral("null");
    default:
      return Expected("a value");
  }
}

bool JsonReader::SkipLiteral(std::string_view literal) {
  const std::string_view left(at_, static_cast<size_t>(end_ - at_));
  if (!left.starts_with(literal)) return Expected("a value");
  at_ += literal.size();
  return true;
}

bool JsonReader::Skip() {
  const size_t outside = depth_;
  std::string_view ignored;
  do {
    const char next = Peek();
    const bool read = next == '{' ? EnterObject() : next == '[' ? EnterArray() : SkipScalar();
    if (!read) return false;
    // Out of everything that ends here, to the next value.
    while (depth_ > outside) {
      if (closing_[depth_ - 1] == '}' ? NextKey(&ignored) : NextElement()) break;
      if (!ok()) return false;
    }
  } while (depth_ > outside);
  return true;
}

bool JsonReader::Finish() {
  SkipSpace();
  if (ok() && at_ < end_) return Fail("something follows the end");
  return ok();
}

}  // namespace alertjoin
