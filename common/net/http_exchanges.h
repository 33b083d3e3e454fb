#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/log/log.h"
#include "common/net/host_rule.h"
#include "common/net/http_connection.h"
#include "common/net/http_head.h"
#include "common/net/http_routes.h"
#include "common/net/http_server.h"
#include "common/net/http_stream_places.h"
#include "common/net/stop_event.h"

namespace alertjoin {

class AccessControl;

// To requests for which the HttpByteBudget has no room.
constexpr char kTooManyLarge[] = "too many large requests at once";

// What becomes of a request once it has a thread: the guards of HttpServer, its handler, its
// answer. The parser, router and writer of cpp-httplib without its listener. Its one route is "/":
// the true path is matched by HttpRoutes and never by std::regex, whose recursion a long path can
// exhaust.
//
// Serve and Refuse are thread-safe; all else comes before their first call. What is passed in must
// outlive it.
class HttpExchanges final : private httplib::Server {
 public:
  HttpExchanges(const HttpServerOptions& options, HttpStreamPlaces& streams, const StopEvent& stop);

  void AddRoute(const std::string& method, const std::string& pattern, HttpServer::Handler handler,
                bool takes_body);
  // Null: everyone may do everything.
  void SetAccess(std::shared_ptr<AccessControl> access) { access_ = std::move(access); }
  // Refuses requests for other hosts than ours.
  void CheckHosts() { checks_host_ = true; }

  // What follows on a connection.
  enum class Next { kRequest, kClose, kStream };
  struct Served {
    Next next = Next::kClose;
    // With kStream: who sends the body, where, and how.
    HttpStreamer stream = nullptr;
    HttpStreamPlaces::Place place = nullptr;
    bool chunked = false;
  };
  // Answers the request whose head has been read.
  Served Serve(HttpConnection& connection);

  // Whether there is reason to wait for the body of such a request: a large one is not waited for
  // where Serve will refuse it all the same, for what can be said without waiting. Thread-safe.
  bool WaitsForBody(const HttpHead& head, const HttpConnection& connection) const;

  // An answer without cpp-httplib, to what is no request.
  void Refuse(HttpConnection& connection, const HttpRefusal& refusal) const;
  // Tells the observer.
  void ObserveOverload(HttpOverload overload) const {
    if (options_.overload_observer) options_.overload_observer(overload);
  }

 private:
  struct Exchange;

  // In the order in which cpp-httplib calls them.
  void OnHead(httplib::Request& request);
  int OnExpect(httplib::Response& response);
  HandlerResponse BeforeRouting(const httplib::Request& request, httplib::Response& response);
  void OnBody(const httplib::Request& request, httplib::Response& response,
              const httplib::ContentReader& reader);
  void BeforeWriting(const httplib::Request& request, httplib::Response& response);

  std::optional<HttpResponse> Guard();
  // Whether it is a request that a stranger's page made.
  std::optional<HttpResponse> CheckHostAndOrigin();
  // Whether the caller may, and who it is.
  std::optional<HttpResponse> CheckAccess();
  // What a sender wanted to hand over is lost to it by a wrong path: say so.
  void LogRefusal(const HttpRefusal& refusal);
  HttpResponse Call(const httplib::Request& request, std::string body);
  // Takes a place for an answer that is streamed; else refuses it.
  HttpResponse WithPlace(HttpResponse response);
  void Observe(const std::string& method, const std::string& pattern, int status,
               std::chrono::duration<double> elapsed = {}) const {
    if (options_.observer) options_.observer(method, pattern, status, elapsed);
  }

  // Of this thread, which serves one request at a time. cpp-httplib hands no context through.
  static thread_local Exchange* current_;

  const HttpServerOptions& options_;
  HttpStreamPlaces& streams_;
  const StopEvent& stop_;
  const HostRule host_rule_{options_.host_names};
  bool checks_host_ = false;
  HttpRoutes routes_;
  std::shared_ptr<AccessControl> access_;  // Null: none.
  LogLimiter refusal_limiter_{std::chrono::seconds(10)};
  std::atomic<size_t> awaiting_{0};  // Threads that wait for a body which was asked for.
};

}  // namespace alertjoin
