#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/time/timestamp.h"

namespace alertjoin {

class AccessControl;
class Admission;

struct HttpRequest {
  std::string method;
  std::string path;  // Percent-decoded, without the query.
  // Parameters of the address in order of appearance by name, percent-decoded.
  std::multimap<std::string, std::string> parameters;
  std::string body;
  std::string remote_address;
  std::string identity;  // Whoever it is, as the access control says; "" when it does not.
  // What let it in, for answers that take long and for calls made on its behalf. Null: everyone
  // may.
  std::shared_ptr<const Admission> admission = nullptr;
  // By name in lower case, as sent; the values of repeated ones joined by ", ".
  std::map<std::string, std::string> headers;
  // What the path pattern's parentheses matched, in order.
  std::vector<std::string> path_parts;

  // The header of this name, given in lower case; empty when it was not sent.
  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// Where the body of an answer goes that is sent while it is made. Used by one thread, a different
// one than the handler's. The server has bounded places for these; see HttpServerOptions.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Sends the bytes, waiting for the peer to take them. False when it is gone or too slow, or the
  // server stops: nothing more can be sent.
  virtual bool Write(std::string_view bytes) = 0;
  // Waits. False, at once, when nothing more can be sent; a peer that has closed its own side
  // counts as gone.
  virtual bool WaitFor(Millis span) = 0;
};
// Sends a body. False: it is incomplete, and the connection is cut so that the peer notices.
using HttpStreamer = std::function<bool(HttpStream&)>;

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  // In place of `body`: called after the handler has returned, or not at all (HEAD, a peer that is
  // gone, no place free), and then destroyed. What it waits for must end when the server stops.
  HttpStreamer stream;
};

// Sees every answered request, also those that a guard refused: method ("" when it could not be
// read), pattern ("" when no handler was found), status, and how long it took from the end of its
// head to its answer. For metrics. Thread-safe, must not block.
using HttpObserver = std::function<void(const std::string& method, const std::string& pattern,
                                        int status, std::chrono::duration<double> elapsed)>;

// What there is not enough of for a connection or a request that is answered 503 by the server.
enum class HttpOverload {
  kConnections,    // Room for connections whose next request is not whole.
  kWaiting,        // Room for requests that wait for a thread.
  kLargeBodies,    // Memory for large bodies.
  kAwaitedBodies,  // Threads that may wait for bodies which were asked for by "100 Continue".
  kStreams,        // Places of streamed answers.
};
// Sees each of these, before it is answered. Thread-safe, must not block.
using HttpOverloadObserver = std::function<void(HttpOverload)>;

// How long a peer may take for each part of a request, in all.
struct HttpTimeouts {
  Millis idle = std::chrono::seconds(2);    // Before the first byte of a request.
  Millis head = std::chrono::seconds(10);   // From then to the end of the headers.
  Millis body = std::chrono::seconds(30);   // For the body.
  Millis write = std::chrono::seconds(30);  // For taking the answer.
  Millis linger = std::chrono::seconds(1);  // For closing after an answer to an unread body.
};

// Beside the threads of HttpServerOptions, for urgent requests; and how many of those may wait.
constexpr size_t kHttpUrgentThreads = 2;
constexpr size_t kHttpUrgentWaitingMax = 256;

struct HttpServerOptions {
  std::string listen_address = "127.0.0.1:0";  // host:port; port 0 takes a free one.
  bool insecure = false;                       // May be reached from elsewhere without TLS.
  size_t threads = 32;                         // One per request that is there as a whole.
  // Connections whose next request is not whole yet, idle ones among them, and requests that wait
  // for a thread; beyond either: 503 and close.
  size_t connections_waiting_max = 2048;
  // Answers that are streamed at the same time, each on a thread beside the others, so that
  // however many there are and however slow, they keep no request waiting. Beyond it: 503.
  size_t streams_max = 0;
  size_t body_bytes_max = 16 << 20;
  // Of requests from their first byte until their handler has returned, in all; small ones
  // (kHttpSmallBytes) are taken beyond it, others are answered 503.
  size_t buffered_bytes_max = size_t{256} << 20;
  HttpTimeouts timeouts;
  HttpObserver observer;
  HttpOverloadObserver overload_observer;
  // Whether pages of strangers in a browser of this machine are kept out (host_rule.h): requests
  // for other hosts where the listener is on loopback and nothing else shields it, and from other
  // origins where they change something. `host_names` is what else it is called.
  bool checks_hosts = false;
  std::vector<std::string> host_names = {};
};

// The threads ask the scheduler for short turns (thread_priority.h): a handler that computes for
// long should do so elsewhere.
//
// A request takes a thread only when all of it is there (but for a body that waits for "100
// Continue", for which half of the threads may be taken), so that slow peers keep nobody out.
//
// A bounded HTTP/1.1 server over cpp-httplib with the guards that its version 0.11.4 needs, which
// are applied before a handler sees anything (and before a body is waited for, if it is a large one
// and they need not wait for a password to be compared): a well-formed head within limits (400,
// 408, 414, 431, 501, 505), a host and an origin that are ours where that is checked (421, 403), a
// caller who may (401, 403), known path and method (404, 405 with Allow), no Transfer-Encoding,
// Content-Encoding or form (411, 415), Content-Length exactly once and within the limit on requests
// with a body (400, 411, 413). A refusal has a one-line reason as text, and ends the connection
// wherever a body might follow. Connections stay open between requests unless others wait and no
// thread is free, or the answer was streamed. Handlers run on the server's threads, several at
// once; an exception in one is a 500, logged.
class HttpServer {
 public:
  // Handles what the expression (RE2 syntax, anchored, bytes) matches of the path.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  explicit HttpServer(HttpServerOptions options);
  ~HttpServer();  // Stops.

  // The first handler whose pattern matches gets the request. One for GET also serves HEAD.
  // REQUIRES: not started. `method` is GET, POST or PUT; `pattern` is a valid expression.
  void Handle(const std::string& method, const std::string& pattern, Handler handler);
  // The same for POST and PUT requests that mean something without a body, and may not have one:
  // these need no Content-Length.
  void HandleCommand(const std::string& method, const std::string& pattern, Handler handler);
  // The same for GET requests of this very path that must be answered even while every thread waits
  // in other handlers: kHttpUrgentThreads are for them alone. The handler must not wait for
  // anything that those may hold. REQUIRES: nothing in the path means anything in an expression.
  void HandleUrgent(const std::string& path, Handler handler);

  // TLS, and who may call what; null: neither. REQUIRES: not started.
  void SetAccess(std::shared_ptr<AccessControl> access);

  // Binds and starts serving on threads of its own. INVALID_ARGUMENT when the address is malformed
  // or is not the machine's own without being `insecure`,
  // UNAVAILABLE with the address when it cannot be bound (taken by another process, too: the port
  // is never shared). REQUIRES: not started before.
  absl::Status Start();
  // The port bound by Start; 0 before.
  int port() const;
  // Stops accepting, waits for the requests in progress (one second at most for their bodies and
  // for the taking of what is streamed, and as long as the handlers take: end what they wait for
  // first). Idempotent; not from a handler.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alertjoin
