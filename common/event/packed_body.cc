#include "common/event/packed_body.h"

#include <fmt/format.h>
#include <lz4.h>

#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {

std::string PackBody(std::string_view body) {
  if (body.size() > kRawPayloadBytesMax) return "";
  std::string packed(body.size() - body.size() / 8, '\0');
  const int size = LZ4_compress_default(body.data(), packed.data(), static_cast<int>(body.size()),
                                        static_cast<int>(packed.size()));
  packed.resize(static_cast<size_t>(size));  // 0 when there is no room for it.
  return body.size() <= kUnpackedTimesMax * packed.size() ? packed : "";
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
