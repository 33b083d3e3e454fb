#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <memory>
#include <string>

#include "common/access/tls_context.h"

namespace alertjoin {

// The server's end of TLS over a non-blocking socket. Used by one thread. The process must ignore
// SIGPIPE; MakeTlsContext sees to it.
class TlsSession {
 public:
  // The socket must stay open as long as the session lives.
  TlsSession(TlsContext context, int socket);

  // As recv(2) and send(2): bytes, 0 at the end, or -1 with errno; EAGAIN: call it again once the
  // socket is ready for wanted(). The first calls do the handshake. After another error than EAGAIN
  // only the destructor may follow.
  ssize_t Receive(char* data, size_t size);
  ssize_t Send(const char* data, size_t size);
  // The handshake alone: 1 when it is done, otherwise as Receive.
  int Handshake();
  // poll(2)'s events, after EAGAIN.
  short wanted() const { return wanted_; }
  // Decrypted bytes wait: the socket may say nothing of them.
  bool pending() const { return SSL_pending(session_.get()) > 0; }
  // Tells the peer that nothing more will be sent, if that can be done at once.
  void CloseSending();

  // The common name of the client's certificate, if it was checked; otherwise "". After the
  // handshake.
  std::string CertificateName() const;
  // The same certificate and what came with it, as PEM; otherwise "".
  std::string CertificateChain() const;

 private:
  int Outcome(int result);
  // Null when it was not checked.
  const X509* CheckedCertificate() const;

  const TlsContext context_;
  const std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  short wanted_ = 0;
  bool failed_ = false;
};

}  // namespace alertjoin
