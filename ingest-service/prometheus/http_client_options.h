#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/config/secret.h"

namespace alertjoin {

// How a server is spoken to over HTTP, in the words and with the meaning of Prometheus' own
// configuration. What comes from a file is read again for each call, and trimmed; so a file that
// is missing fails calls, not the start.
// Source: prometheus/common config/http_config.go.

// A text that is given in place or stands in a file; at most one of the two.
struct SecretText {
  Secret text;
  std::string file;

  bool empty() const { return text.empty() && file.empty(); }
};

struct HttpBasicAuth {
  std::string username;
  std::string username_file;
  SecretText password;
};

struct HttpAuthorization {
  std::string type = "Bearer";
  SecretText credentials;
};

// For https. PEM. Certificates are verified against the machine's own authorities when no other are
// given.
struct TlsClientOptions {
  enum class Version { kDefault, k10, k11, k12, k13 };

  SecretText ca;  // Not secret, but of the same form.
  SecretText cert;
  SecretText key;
  std::string server_name;  // Expected in the certificate, and asked for; empty: the URL's host.
  bool insecure_skip_verify = false;
  Version min_version = Version::kDefault;  // TLS 1.2.
  Version max_version = Version::kDefault;  // The newest.
};

// One more header; each value is a header line.
struct HttpHeaderOptions {
  std::string name;
  std::vector<std::string> values;
  std::vector<SecretText> secrets;
};

struct HttpClientOptions {
  std::optional<HttpBasicAuth> basic_auth;
  std::optional<HttpAuthorization> authorization;  // Not both.
  TlsClientOptions tls;
  std::vector<HttpHeaderOptions> headers;
  // Redirects are followed within the origin (scheme, host and port) only: nothing is ever sent to
  // another server than the configured one.
  bool follow_redirects = true;
  // May hold credentials of the proxy. Empty: the variables of the environment hold.
  Secret proxy_url;
  std::string no_proxy;  // Hosts that are asked directly, with commas between them.
  // An answer with more bytes, as inflated, is refused.
  uint64_t response_bytes_max = uint64_t{64} << 20;
};

// Tries to read every file. FAILED_PRECONDITION names the first that cannot be.
absl::Status CheckFiles(const HttpClientOptions& options);

}  // namespace alertjoin
