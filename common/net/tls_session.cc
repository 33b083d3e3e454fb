#include "common/net/tls_session.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kNameBytesMax = 128;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio Over(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

int VersionOf(TlsVersion version) {
  return version == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

int NoPassphrase(char*, int, int, void*) { return -1; }

// A certificate that nobody has to check.
int AcceptUnchecked(X509_STORE_CTX*, void*) { return 1; }

bool UseChain(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Over(pem);
  for (bool first = true;; first = false) {
    X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
    if (certificate == nullptr) return !first;
    const bool taken = first ? SSL_CTX_use_certificate(context, certificate) == 1
                             : SSL_CTX_add1_chain_cert(context, certificate) == 1;
    X509_free(certificate);
    if (!taken) return false;
  }
}

bool UseKey(SSL_CTX* context, const Secret& pem) {
  const Bio bio = Over(pem.Reveal());
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr);
  const bool taken = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  return taken;
}

bool UseClientAuthorities(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Over(pem);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  while (X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const bool taken = X509_STORE_add_cert(store, certificate) == 1 &&
                       SSL_CTX_add_client_CA(context, certificate) == 1;
    X509_free(certificate);
    if (!taken) return false;
  }
  return true;
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
      UseChain(raw, material.chain_pem) && UseKey(raw, material.key_pem) &&
      SSL_CTX_check_private_key(raw) == 1 && UseClientAuthorities(raw, material.client_ca_pem);
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

TlsSession::TlsSession(TlsContext context, int socket)
    : context_(std::move(context)), session_(SSL_new(context_.context.get()), &SSL_free) {
  CHECK(session_ != nullptr && SSL_set_fd(session_.get(), socket) == 1);
  SSL_set_accept_state(session_.get());
}

int TlsSession::Outcome(int result) {
  if (result > 0) return result;
  const int saved_errno = errno;
  const int error = SSL_get_error(session_.get(), result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      wanted_ = POLLIN;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_WANT_WRITE:
      wanted_ = POLLOUT;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      failed_ = true;
      errno = error == SSL_ERROR_SYSCALL && saved_errno != 0 && saved_errno != EAGAIN &&
                      saved_errno != EINTR
                  ? saved_errno
                  : EPROTO;
      return -1;
  }
}

ssize_t TlsSession::Receive(char* data, size_t size) {
  ERR_clear_error();
  return Outcome(SSL_read(session_.get(), data, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

ssize_t TlsSession::Send(const char* data, size_t size) {
  ERR_clear_error();
  return Outcome(
      SSL_write(session_.get(), data, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

int TlsSession::Handshake() {
  ERR_clear_error();
  return Outcome(SSL_do_handshake(session_.get()));
}

void TlsSession::CloseSending() {
  if (failed_ || !SSL_is_init_finished(session_.get())) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ERR_clear_error();
}

const X509* TlsSession::CheckedCertificate() const {
  const bool checked =
      context_.checks_certificates && SSL_get_verify_result(session_.get()) == X509_V_OK;
  return checked ? SSL_get0_peer_certificate(session_.get()) : nullptr;
}

std::string TlsSession::CertificateChain() const {
  if (CheckedCertificate() == nullptr) return "";
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(pem.get(), SSL_get0_peer_certificate(session_.get()));
  // Without the peer's own, at a server.
  STACK_OF(X509)* const others = SSL_get_peer_cert_chain(session_.get());
  for (int i = 0; i < sk_X509_num(others); ++i) {
    PEM_write_bio_X509(pem.get(), sk_X509_value(others, i));
  }
  ERR_clear_error();
  char* data = nullptr;
  const auto size = BIO_get_mem_data(pem.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string TlsSession::CertificateName() const {
  const X509* const certificate = CheckedCertificate();
  if (certificate == nullptr) return "";
  std::string name(kNameBytesMax + 1, '\0');
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                             name.data(), static_cast<int>(name.size()));
  if (size <= 0 || static_cast<size_t>(size) >= kNameBytesMax) return "";
  name.resize(static_cast<size_t>(size));
  // A name with a zero byte inside could look like another one.
  return name.find('\0') == name.npos ? name : "";
}

}  // namespace alertjoin
