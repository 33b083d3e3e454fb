#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/access/tls_material.h"

namespace alertjoin {

// What OpenSSL makes of certificates and keys. A value type that counts its users.
struct TlsContext {
  std::shared_ptr<SSL_CTX> context;  // Null: no TLS.
  bool checks_certificates = false;  // Those of clients.
};
// Without resumption of sessions: each connection shows its certificate anew. INVALID_ARGUMENT when
// OpenSSL does not take the material. From then on the process ignores SIGPIPE.
absl::StatusOr<TlsContext> MakeTlsContext(const TlsServerMaterial& material);

}  // namespace alertjoin
