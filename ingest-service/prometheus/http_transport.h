#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// One call of an HTTP server.
struct HttpCall {
  // Calls of one lane share its slots and its queue; lanes never wait for each other. The set of
  // lanes must be small.
  std::string lane;
  std::string url;
  // Posted as application/x-www-form-urlencoded; nothing makes it a GET.
  std::optional<std::string> form;
  std::vector<std::string> headers;  // "Name: value"
  // From Start to the last byte of the answer, waiting for a slot included.
  Millis timeout{0};
};

struct HttpAnswer {
  int code = 0;
  std::string body;
};

// Makes HTTP calls without blocking. Thread-safe.
class HttpTransport {
 public:
  // Gets the answer, whatever its code, or why there is none: DEADLINE_EXCEEDED, UNAVAILABLE (no
  // connection, or it broke), RESOURCE_EXHAUSTED (lane full, or answer too large),
  // INVALID_ARGUMENT (not a URL), CANCELLED (stopped).
  using Done = std::function<void(absl::StatusOr<HttpAnswer>)>;

  virtual ~HttpTransport() = default;
  // Calls `done` exactly once, on a thread of the transport's or, when the call is refused, on the
  // caller's. It must not block.
  virtual void Start(HttpCall call, Done done) = 0;
};

}  // namespace alertjoin
