#include "correlator-service/rows/opaque_token.h"

#include <absl/strings/escaping.h>

namespace alertjoin {
namespace {

constexpr uint8_t kFormatVersion = 1;
constexpr size_t kHeaderBytes = 2;
constexpr size_t kChecksumBytes = 4;
// No token of ours is as long: two names of 256 bytes are the most that one holds.
constexpr size_t kTextBytesMax = 1024;

// FNV-1a, 32 bits: against damage in transit. Nothing secret or trusted is in a token.
std::string Checksum(std::string_view bytes) {
  uint32_t hash = 0x811c9dc5;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x01000193;
  }
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((hash >> shift) & 0xff);
  return text;
}

}  // namespace

void TokenWriter::AddUint64(uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes_ += static_cast<char>((value >> shift) & 0xff);
}

std::string TokenWriter::Seal(TokenKind kind) const {
  std::string sealed;
  sealed += static_cast<char>(kind);
  sealed += static_cast<char>(kFormatVersion);
  sealed += bytes_;
  sealed += Checksum(sealed);
  std::string text;
  absl::WebSafeBase64Escape(sealed, &text);
  return text;
}

std::optional<TokenReader> TokenReader::Open(TokenKind kind, std::string_view text) {
  if (text.size() > kTextBytesMax) return std::nullopt;
  std::string sealed;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &sealed)) {
    return std::nullopt;
  }
  // It passes over spaces and takes padding: found by fuzzing. Only the text that we wrote is ours.
  std::string again;
  absl::WebSafeBase64Escape(sealed, &again);
  if (again != text) return std::nullopt;
  if (sealed.size() < kHeaderBytes + kChecksumBytes) return std::nullopt;
  const size_t checked_bytes = sealed.size() - kChecksumBytes;
  if (Checksum(std::string_view(sealed).substr(0, checked_bytes)) != sealed.substr(checked_bytes)) {
    return std::nullopt;
  }
  if (sealed[0] != static_cast<char>(kind) || sealed[1] != static_cast<char>(kFormatVersion)) {
    return std::nullopt;
  }
  return TokenReader(sealed.substr(kHeaderBytes, checked_bytes - kHeaderBytes));
}

std::string TokenReader::ReadBytes(size_t count) {
  if (bytes_.size() - at_ < count) {
    overrun_ = true;
    return "";
  }
  at_ += count;
  return bytes_.substr(at_ - count, count);
}

uint8_t TokenReader::ReadUint8() {
  const std::string byte = ReadBytes(1);
  return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
}

uint64_t TokenReader::ReadUint64() {
  uint64_t value = 0;
  for (const char c : ReadBytes(8)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

Timestamp TokenReader::ReadTime() {
  const auto time = Timestamp::FromMillis(ReadInt64());
  if (time >= Timestamp::Min() && time <= Timestamp::Max()) return time;
  overrun_ = true;
  return Timestamp();
}

}  // namespace alertjoin
