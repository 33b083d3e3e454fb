#pragma once

#include <optional>
#include <string>

#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/http_client_options.h"

namespace alertjoin {

// A signature of the body, as Grafana makes it: HMAC-SHA256 in hex, in a header; of
// "<timestamp>:<body>" where a timestamp header is configured, which has unix seconds then.
// Source: grafana/alerting http/hmac.go.
struct HmacOptions {
  SecretText secret;
  std::string header;                       // "": Grafana's own.
  std::string timestamp_header;             // "": the body alone is signed.
  Millis window = std::chrono::minutes(5);  // How far the timestamp may be off, either way.
};

// How the senders of one alert source show that they are. All that is given must hold.
struct SenderAuthOptions {
  std::optional<HttpBasicAuth> basic_auth;
  std::optional<HttpAuthorization> authorization;  // Not with basic_auth.
  std::optional<HmacOptions> hmac;
};

// Checks that a request comes from a sender that knows the secrets. They are compared in a time
// that does not depend on how far they agree, and are in no message. Those in files are read for
// each request, so that a new one needs no restart. A signed request that comes again within the
// window is taken again, which changes nothing. Thread-safe. The clock must outlive it.
class SenderAuth {
 public:
  SenderAuth(SenderAuthOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  struct Denial {
    int code;            // 401 with a challenge, 403, or 503 when a secret of ours is not there.
    std::string reason;  // lower_snake, one of a few, for metrics.
    std::string message;
    std::string challenge;  // The value of WWW-Authenticate; "" for none.
  };
  // Nothing when the request may pass, which every one may where nothing is configured.
  std::optional<Denial> Check(const HttpRequest& request) const;

 private:
  std::optional<Denial> CheckAuthorization(const HttpRequest& request) const;
  std::optional<Denial> CheckSignature(const HttpRequest& request) const;
  // Whether the timestamp is within the window.
  bool IsFresh(const std::string& timestamp) const;

  const SenderAuthOptions options_;
  const Clock& clock_;
};

}  // namespace alertjoin
