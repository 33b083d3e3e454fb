#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/time/timestamp.h"

namespace alertjoin {

// What a token is good for; the first byte of every token.
enum class TokenKind : uint8_t {
  kResume = 'R',
  kPage = 'P',
  kSeriesPage = 'S',
  kSourcePage = 'O',
  kSummaryPage = 'A',
  kSampleResume = 'M',
};

// Builds the binary content of a token: fixed-width big-endian fields.
class TokenWriter {
 public:
  void AddUint8(uint8_t value) { bytes_ += static_cast<char>(value); }
  void AddUint64(uint64_t value);
  void AddInt64(int64_t value) { AddUint64(static_cast<uint64_t>(value)); }
  void AddTime(Timestamp time) { AddInt64(time.millis()); }
  void AddBytes(std::string_view bytes) { bytes_ += bytes; }

  // The token as text: base64url without padding of kind, format version, fields, and a checksum.
  std::string Seal(TokenKind kind) const;

 private:
  std::string bytes_;
};

// Reads what TokenWriter wrote. Readers give 0 or "" beyond the end; ask AtEnd() at the end. The
// checksum finds damage, not forgery: whoever has a token can make others of it, so its content is
// to be trusted no more than a request's.
class TokenReader {
 public:
  // Nothing when the text is no whole token of this kind in a version that this program knows.
  static std::optional<TokenReader> Open(TokenKind kind, std::string_view text);

  uint8_t ReadUint8();
  uint64_t ReadUint64();
  int64_t ReadInt64() { return static_cast<int64_t>(ReadUint64()); }
  // A time that no event can have counts as beyond the end.
  Timestamp ReadTime();
  std::string ReadBytes(size_t count);
  // True when everything was read and nothing beyond.
  bool AtEnd() const { return !overrun_ && at_ == bytes_.size(); }

 private:
  explicit TokenReader(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
  size_t at_ = 0;
  bool overrun_ = false;
};

}  // namespace alertjoin
