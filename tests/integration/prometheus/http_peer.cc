#include "tests/integration/prometheus/http_peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr auto kTrickleInterval = std::chrono::milliseconds(10);

std::shared_ptr<SSL_CTX> MakeContext(const HttpPeer::Tls& tls) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  CHECK(context != nullptr);
  CHECK(SSL_CTX_use_certificate_chain_file(context.get(), tls.cert_file.c_str()) == 1);
  CHECK(SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  if (!tls.client_ca_file.empty()) {
    CHECK(SSL_CTX_load_verify_locations(context.get(), tls.client_ca_file.c_str(), nullptr) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

size_t ContentLength(const std::string& head) {
  const size_t place = head.find("Content-Length: ");
  return place == std::string::npos
             ? 0
             : static_cast<size_t>(std::strtoull(head.c_str() + place + 16, nullptr, 10));
}

}  // namespace

// The bytes of a connection, with TLS or without.
class HttpPeer::Stream {
 public:
  Stream(int fd, SSL_CTX* context) : fd_(fd) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    CHECK(ssl_ != nullptr && SSL_set_fd(ssl_.get(), fd) == 1);
    open_ = SSL_accept(ssl_.get()) == 1;
  }

  bool open() const { return open_; }
  // False when the peer has closed.
  bool ReadMore(std::string* data) {
    char buffer[16 << 10];
    const ssize_t got = ssl_ == nullptr ? recv(fd_, buffer, sizeof(buffer), 0)
                                        : SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (got <= 0) return false;
    data->append(buffer, static_cast<size_t>(got));
    return true;
  }
  bool Write(const std::string& data) {
    const ssize_t sent = ssl_ == nullptr
                             ? send(fd_, data.data(), data.size(), MSG_NOSIGNAL)
                             : SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()));
    return sent == static_cast<ssize_t>(data.size());
  }
  std::string Client() const {
    X509* const cert = ssl_ == nullptr ? nullptr : SSL_get_peer_certificate(ssl_.get());
    if (cert == nullptr) return "";
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
    X509_free(cert);
    return name;
  }
  std::string ServerName() const {
    const char* const name =
        ssl_ == nullptr ? nullptr : SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

 private:
  struct Deleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  const int fd_;
  std::unique_ptr<SSL, Deleter> ssl_;
  bool open_ = true;
};

HttpPeer::HttpPeer(Handler handler) : HttpPeer(std::move(handler), Tls{}) {}

HttpPeer::HttpPeer(Handler handler, const Tls& tls)
    : handler_(std::move(handler)), tls_(tls.cert_file.empty() ? nullptr : MakeContext(tls)) {
  // SSL_write has no flag against it.
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  CHECK(bind(listener_, generic, length) == 0);
  CHECK(listen(listener_, 64) == 0);
  CHECK(getsockname(listener_, generic, &length) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpPeer::~HttpPeer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::list<std::thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
}

void HttpPeer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    MutexLock lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    ++connections_taken_;
    connections_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpPeer::Serve(int fd) {
  std::string data;
  Stream stream(fd, tls_.get());
  bool open = stream.open();
  while (open) {
    while (open && data.find("\r\n\r\n") == std::string::npos) open = stream.ReadMore(&data);
    if (!open) break;
    Request request;
    const size_t end = data.find("\r\n\r\n") + 4;
    request.head = data.substr(0, end);
    request.client = stream.Client();
    request.server_name = stream.ServerName();
    request.method = data.substr(0, data.find(' '));
    const size_t target = request.method.size() + 1;
    request.target = data.substr(target, data.find(' ', target) - target);
    const size_t length = ContentLength(request.head);
    while (open && data.size() < end + length) open = stream.ReadMore(&data);
    if (!open) break;
    request.body = data.substr(end, length);
    data.erase(0, end + length);
    const std::string answer = handler_(request);
    if (answer.empty()) break;
    if (answer == kNoAnswer) continue;
    if (answer == kTrickle) {
      open = stream.Write("HTTP/1.1 200 Test\r\nContent-Length: 1000000\r\n\r\n");
      // Until whoever asked has gone.
      while (stream.Write("x")) std::this_thread::sleep_for(kTrickleInterval);
      break;
    }
    open = stream.Write(answer);
  }
  MutexLock lock(mutex_);
  connections_.remove(fd);
  close(fd);
}

std::string HttpPeer::Answer(int code, const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 {} Test\r\nContent-Length: {}\r\n{}\r\n{}", code, body.size(),
                     headers, body);
}

}  // namespace alertjoin
