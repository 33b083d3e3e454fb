#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/secret.h"
#include "common/time/timestamp.h"
#include "ingest-service/prometheus/http_client_options.h"

namespace alertjoin {

// How https is spoken, with the contents of the files. PEM; empty: the default.
struct TlsMaterial {
  std::string ca;
  std::string cert;
  Secret key;
  std::string server_name;
  bool insecure_skip_verify = false;
  TlsClientOptions::Version min_version = TlsClientOptions::Version::kDefault;
  TlsClientOptions::Version max_version = TlsClientOptions::Version::kDefault;
};

// One call of an HTTP server.
struct HttpCall {
  // Calls of one lane share its slots and its queue; lanes never wait for each other. The set of
  // lanes must be small.
  std::string lane;
  std::string url;
  // Posted as application/x-www-form-urlencoded; nothing makes it a GET.
  std::optional<std::string> form;
  std::vector<std::string> headers;        // "Name: value"
  std::shared_ptr<const TlsMaterial> tls;  // Null: all defaults.
  Secret proxy_url;                        // Empty: the variables of the environment hold.
  std::string no_proxy;                    // With a proxy_url: hosts that are asked directly.
  size_t body_bytes_max = 0;               // Of the answer, inflated; 0: the transport's own limit.
  // From Start to the last byte of the answer, waiting for a slot included.
  Millis timeout{0};
};

struct HttpAnswer {
  int code = 0;
  std::string body;
  // Where a redirect leads, absolute; empty when the answer is none. It was not followed.
  std::string redirect_url = {};
  // The server's clock, in whole seconds, when it said so.
  std::optional<Timestamp> date = {};
  // What the call has shown to the server, which may give it back: where the body is data, nothing
  // was taken out of it. Of an answer of HttpClient.
  std::vector<Secret> secrets = {};
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
