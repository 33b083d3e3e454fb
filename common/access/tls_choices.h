#pragma once

#include <optional>
#include <string_view>

#include "common/access/tls_material.h"

namespace alertjoin {

// What OpenSSL calls what Go's crypto/tls, and with it exporter-toolkit, calls otherwise. Only what
// is safe there is known here (crypto/tls, CipherSuites).

struct CipherSuite {
  // In an OpenSSL list of ciphers. "" of one of TLS 1.3: those cannot be chosen, in Go neither.
  std::string_view name;
  TlsVersion version;

  friend bool operator==(const CipherSuite&, const CipherSuite&) = default;
};
// Of "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"; nothing when it is not known.
std::optional<CipherSuite> FindCipherSuite(std::string_view go_name);

// Of "CurveP256", in an OpenSSL list of groups; "" when it is not known.
std::string_view FindCurve(std::string_view go_name);

}  // namespace alertjoin
