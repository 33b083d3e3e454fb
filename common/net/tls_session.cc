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

}  // namespace

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
