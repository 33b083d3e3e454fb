#include "common/access/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/access/certificate_pem.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

int VersionOf(TlsVersion version) {
  return version == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

// A certificate that nobody has to check.
int AcceptUnchecked(X509_STORE_CTX*, void*) { return 1; }

bool UseChain(SSL_CTX* context, const std::string& pem) {
  const std::vector<Certificate> chain = ParseCertificates(pem);
  if (chain.empty() || SSL_CTX_use_certificate(context, chain[0].get()) != 1) return false;
  return std::all_of(chain.begin() + 1, chain.end(), [context](const Certificate& certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
  });
}

bool UseKey(SSL_CTX* context, const Secret& pem) {
  const PrivateKey key = ParsePrivateKey(pem.Reveal());
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

bool UseClientAuthorities(SSL_CTX* context, const std::string& pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const std::vector<Certificate> authorities = ParseCertificates(pem);
  return std::all_of(authorities.begin(), authorities.end(), [&](const Certificate& certificate) {
    return X509_STORE_add_cert(store, certificate.get()) == 1 &&
           SSL_CTX_add_client_CA(context, certificate.get()) == 1;
  });
}

void SetClientAuth(SSL_CTX* context, ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNoClientCert:
      return SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    case ClientAuth::kRequestClientCert:
    case ClientAuth::kRequireAnyClientCert:
      SSL_CTX_set_cert_verify_callback(context, &AcceptUnchecked, nullptr);
      break;
    case ClientAuth::kVerifyClientCertIfGiven:
    case ClientAuth::kRequireAndVerifyClientCert:
      break;
  }
  const bool required =
      auth == ClientAuth::kRequireAnyClientCert || auth == ClientAuth::kRequireAndVerifyClientCert;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

// Nothing to choose from leaves OpenSSL its own.
bool Choose(SSL_CTX* context, const TlsServerOptions& options) {
  if (!options.prefers_own_ciphers) SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  const std::string ciphers = fmt::format("{}", fmt::join(options.ciphers, ":"));
  const std::string curves = fmt::format("{}", fmt::join(options.curves, ":"));
  return (ciphers.empty() || SSL_CTX_set_cipher_list(context, ciphers.c_str()) == 1) &&
         (curves.empty() || SSL_CTX_set1_groups_list(context, curves.c_str()) == 1);
}

}  // namespace

absl::StatusOr<TlsContext> MakeTlsContext(const TlsServerMaterial& material) {
  // OpenSSL writes to sockets as to files: a peer that hangs up would end the process.
  ::signal(SIGPIPE, SIG_IGN);
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  CHECK(context != nullptr);
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  const bool taken =
      SSL_CTX_set_min_proto_version(raw, VersionOf(material.options.min_version)) == 1 &&
      SSL_CTX_set_max_proto_version(raw, VersionOf(material.options.max_version)) == 1 &&
      Choose(raw, material.options) && UseChain(raw, material.chain_pem) &&
      UseKey(raw, material.key_pem) && SSL_CTX_check_private_key(raw) == 1 &&
      UseClientAuthorities(raw, material.client_ca_pem);
  ERR_clear_error();
  if (!taken) {
    return absl::InvalidArgumentError(
        "OpenSSL does not take the certificate, its key or the "
        "authorities of clients (a weak key or hash?)");
  }
  SetClientAuth(raw, material.options.client_auth);
  const ClientAuth auth = material.options.client_auth;
  return TlsContext{context, auth == ClientAuth::kVerifyClientCertIfGiven ||
                                 auth == ClientAuth::kRequireAndVerifyClientCert};
}

}  // namespace alertjoin
