#include "common/event/packed_body.h"

#include <fmt/format.h>
#include <lz4.h>

#include <algorithm>
#include <cstdint>

#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// Of the LZ4 block format: a token has the number of literals in its upper four bits. From this
// number on they say that bytes follow which are added to it, the last being less than 255.
constexpr size_t kLiteralsInTokenMax = 15;
constexpr size_t kByteMax = 255;

// As an LZ4 block; empty when it would be longer than `bytes_max`.
std::string Compress(std::string_view text, size_t bytes_max) {
  std::string block(bytes_max, '\0');
  const int size = LZ4_compress_default(text.data(), block.data(), static_cast<int>(text.size()),
                                        static_cast<int>(block.size()));
  block.resize(static_cast<size_t>(size));
  return block;
}

// The block of a text with `front` before it, as literals before its first ones: a block speaks of
// what it repeats by distances. REQUIRES: LZ4 made the block.
std::string WithFront(std::string_view front, std::string_view block) {
  const auto byte_at = [block](size_t i) { return static_cast<uint8_t>(block[i]); };
  size_t literals = byte_at(0) >> 4;
  size_t at = 1;
  if (literals == kLiteralsInTokenMax) {
    for (; byte_at(at) == kByteMax; ++at) literals += kByteMax;
    literals += byte_at(at++);
  }
  literals += front.size();
  const size_t in_token = std::min(literals, kLiteralsInTokenMax);
  std::string result(1, static_cast<char>((in_token << 4) | (byte_at(0) & 0x0f)));
  if (in_token == kLiteralsInTokenMax) {
    const size_t more = literals - kLiteralsInTokenMax;
    result.append(more / kByteMax, static_cast<char>(kByteMax));
    result += static_cast<char>(more % kByteMax);
  }
  result += front;
  result += block.substr(at);
  return result;
}

}  // namespace

std::string PackBody(std::string_view body) {
  if (body.empty() || body.size() > kRawPayloadBytesMax) return "";
  const size_t bytes_max = body.size() - body.size() / 8;
  std::string packed = Compress(body, bytes_max);
  if (packed.empty() || body.size() <= kUnpackedTimesMax * packed.size()) return packed;
  // So much of it as it is makes it long enough.
  const size_t front = body.size() / kUnpackedTimesMax + 1;
  const std::string rest = Compress(body.substr(front), bytes_max);
  if (rest.empty()) return "";
  packed = WithFront(body.substr(0, front), rest);
  return packed.size() <= bytes_max ? packed : "";
}

absl::StatusOr<std::string> UnpackBody(std::string_view packed, size_t body_bytes) {
  if (body_bytes == 0) {
    return MalformedEvent("raw_payload.body_bytes", "is required with lz4_body");
  }
  if (body_bytes > kRawPayloadBytesMax) {
    return MalformedEvent("raw_payload.body_bytes", fmt::format("says {} bytes, at most {}",
                                                                body_bytes, kRawPayloadBytesMax));
  }
  if (packed.size() > kRawPayloadBytesMax) {
    return MalformedEvent("raw_payload.lz4_body", fmt::format("has {} bytes, at most {}",
                                                              packed.size(), kRawPayloadBytesMax));
  }
  if (body_bytes > kUnpackedTimesMax * packed.size()) {
    return MalformedEvent("raw_payload.body_bytes",
                          fmt::format("says {} bytes, at most {} times the {} of lz4_body",
                                      body_bytes, kUnpackedTimesMax, packed.size()));
  }
  std::string body(body_bytes, '\0');
  const int size = LZ4_decompress_safe(packed.data(), body.data(), static_cast<int>(packed.size()),
                                       static_cast<int>(body.size()));
  if (size < 0 || static_cast<size_t>(size) != body_bytes) {
    return MalformedEvent("raw_payload.lz4_body",
                          fmt::format("is no LZ4 block of a body of {} bytes", body_bytes));
  }
  return body;
}

}  // namespace alertjoin
