#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/secret.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// What clients must show, by the names of Go's crypto/tls.
enum class ClientAuth {
  kNoClientCert,
  kRequestClientCert,           // Asked for; neither needed nor checked.
  kRequireAnyClientCert,        // Needed, not checked.
  kVerifyClientCertIfGiven,     // Checked where there is one.
  kRequireAndVerifyClientCert,  // Needed and checked.
};

enum class TlsVersion { k12, k13 };

// tls_server_config.
struct TlsServerOptions {
  std::string cert_file = {};
  std::string key_file = {};
  std::string client_ca_file = {};
  // Nothing: of a client's certificate any name will do.
  std::optional<std::vector<std::string>> client_allowed_sans = {};
  ClientAuth client_auth = ClientAuth::kNoClientCert;
  TlsVersion min_version = TlsVersion::k12;
  TlsVersion max_version = TlsVersion::k13;
  // As OpenSSL calls them (tls_choices.h), from the one that is liked best on; empty: its own.
  std::vector<std::string> ciphers = {};  // Of TLS 1.2.
  std::vector<std::string> curves = {};
  bool prefers_own_ciphers = true;  // To the client's order.
};

// The files, read and found to go together. Immutable.
struct TlsServerMaterial {
  TlsServerOptions options;
  std::string chain_pem;
  Secret key_pem;
  std::string client_ca_pem;  // "": none.
  Timestamp not_after;        // Of the server's own certificate.
};

// Reads them. INVALID_ARGUMENT, naming the file, when a certificate or key does not parse, when
// they are no pair, or the server's certificate is expired or not valid yet; FAILED_PRECONDITION
// when a file cannot be read. A key with a passphrase is not taken. No message has anything of a
// key.
absl::StatusOr<std::shared_ptr<const TlsServerMaterial>> LoadTlsMaterial(
    const TlsServerOptions& options, Timestamp now);

}  // namespace alertjoin
