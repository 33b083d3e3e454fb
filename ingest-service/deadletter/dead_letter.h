#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// The body of a request that can never be taken, and what is known about it. All of it but the time
// may be a stranger's text, of any bytes.
struct DeadLetter {
  Timestamp time;
  std::string source;  // The alert source.
  std::string path;
  std::string remote_address;
  std::string content_type;
  std::string reason;   // lower_snake, as in metrics.
  std::string message;  // What the sender was answered.
  std::string body;
};

// The letter as JSON on one line, in ASCII, so that no terminal takes harm from it: the members of
// DeadLetter, `time` in RFC 3339, and of the body
//   body_bytes      its size as it came
//   body_encoding   "text", or "base64" when it is not UTF-8
//   body_truncated  whether only its first `body_bytes_max` bytes are there
//   body
// Bytes of other members that are no UTF-8 become U+FFFD. At most 6 bytes for each that is kept,
// and a few hundred.
std::string EncodeDeadLetter(const DeadLetter& letter, size_t body_bytes_max);

// What a listing says of a letter.
struct DeadLetterSummary {
  std::string time;
  std::string source;
  std::string reason;
  uint64_t body_bytes = 0;
  std::string json;  // On one line, in ASCII.
};
// DATA_LOSS when the text is not what EncodeDeadLetter made.
absl::StatusOr<DeadLetterSummary> ReadDeadLetter(std::string_view text);

}  // namespace alertjoin
