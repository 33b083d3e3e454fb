#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "common/sync/mutex.h"

struct ssl_ctx_st;

namespace alertjoin {

// A small HTTP server that answers whatever a test tells it to, byte for byte: one thread per
// connection, connections kept open.
class HttpPeer {
 public:
  struct Request {
    std::string method;
    std::string target;  // Path and query, as sent.
    std::string head;    // All header lines.
    std::string body;
    std::string client;       // Of TLS: who the client's certificate says it is.
    std::string server_name;  // Of TLS: whom the client asked for.
  };
  // How TLS is spoken, by files in PEM.
  struct Tls {
    std::string cert_file;
    std::string key_file;
    std::string client_ca_file;  // Clients need a certificate of its; empty: they need none.
  };
  // Gives the raw answer; "" closes the connection, kNoAnswer leaves it hanging, kTrickle sends a
  // byte every 10 ms of an answer that has no end. Called on several threads.
  using Handler = std::function<std::string(const Request&)>;
  static constexpr char kNoAnswer[] = "no answer";
  static constexpr char kTrickle[] = "trickle";

  explicit HttpPeer(Handler handler);
  HttpPeer(Handler handler, const Tls& tls);
  ~HttpPeer();

  int port() const { return port_; }
  std::string url() const {
    return (tls_ == nullptr ? "http://127.0.0.1:" : "https://127.0.0.1:") + std::to_string(port_);
  }

  // Connections taken so far.
  int connections() const { return connections_taken_; }

  // A well-formed answer.
  static std::string Answer(int code, const std::string& body, const std::string& headers = "");

 private:
  void Accept();
  void Serve(int fd);

  class Stream;

  const Handler handler_;
  const std::shared_ptr<ssl_ctx_st> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_taken_{0};
  Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::list<int> connections_ GUARDED_BY(mutex_);
  std::list<std::thread> threads_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace alertjoin
