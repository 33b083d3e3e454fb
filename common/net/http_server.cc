#include "common/net/http_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <thread>

#include "common/access/access_control.h"
#include "common/access/access_table.h"
#include "common/log/log.h"
#include "common/net/host_rule.h"
#include "common/net/http_connection.h"
#include "common/net/http_head.h"
#include "common/net/http_lobby.h"
#include "common/net/http_routes.h"
#include "common/net/http_stream_places.h"
#include "common/net/listener_rule.h"
#include "common/net/stop_event.h"
#include "common/net/tcp_listener.h"
#include "common/net/tls_session.h"
#include "common/status/status.h"
#include "common/sync/bounded_queue.h"
#include "common/sync/mutex.h"
#include "common/text/url_query.h"

namespace alertjoin {
namespace {

constexpr char kTextType[] = "text/plain; charset=utf-8";
constexpr std::string_view kClose = "close";
// For the next request of a connection.
constexpr Millis kPatience{20};

// A request on its way through cpp-httplib, whose handlers see less than we know.
struct Exchange {
  HttpConnection* connection = nullptr;
  HttpHead head;
  std::string path;
  std::optional<HttpRoutes::Match> match;
  std::string identity;
  SharedAdmission admission = nullptr;
  bool takes_body = false;
  bool close_asked = false;
  bool is_awaited = false;  // Counts in awaiting_.
  // Until the body has been read to its end, the next bytes are no request.
  bool close_after = true;
  HttpStreamer stream;  // With a place.
  HttpStreamPlaces::Place place = nullptr;
  bool chunked = false;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

// Of this thread, which serves one request at a time. cpp-httplib hands no context through.
thread_local Exchange* current_exchange = nullptr;

bool AsksToClose(const HttpHead& head) {
  const std::string& connection = head.Get("connection");
  return std::search(connection.begin(), connection.end(), kClose.begin(), kClose.end(),
                     [](char a, char b) { return (a | 0x20) == b; }) != connection.end();
}

bool TakesBody(const std::string& method) { return method == "POST" || method == "PUT"; }

void Fill(httplib::Response& to, HttpResponse from) {
  to.status = from.status;
  for (const auto& [name, value] : from.headers) to.set_header(name, value);
  if (!from.body.empty() || from.stream) {
    to.set_header("Content-Type", from.content_type);
    to.body = std::move(from.body);
  }
}

HttpResponse AnswerTo(const HttpRefusal& refusal) {
  HttpResponse response;
  response.status = refusal.status;
  response.body = refusal.message + "\n";
  return response;
}

// cpp-httplib would drop all of a value that stands before its last "=".
std::multimap<std::string, std::string> ParametersOf(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == target.npos ? std::multimap<std::string, std::string>()
                             : ParseUrlQuery(target.substr(mark + 1));
}

// cpp-httplib's own answers to a malformed request have no text.
const char* TextFor(int status) {
  switch (status) {
    case 413:
      return "the body is too large\n";
    case 414:
      return "the address is too long\n";
    case 416:
      return "malformed Range\n";
    default:
      return status < 500 ? "malformed request\n" : "internal error\n";
  }
}

}  // namespace

// The parser, router and writer of cpp-httplib without its listener. Its one route is "/": the true
// path is matched by HttpRoutes and never by std::regex, whose recursion a long path can exhaust.
class HttpServer::Impl final : private httplib::Server {
 public:
  explicit Impl(HttpServerOptions options);
  ~Impl() override { Stop(); }

  void AddRoute(const std::string& method, const std::string& pattern, HttpServer::Handler handler,
                bool takes_body) {
    CHECK(!listener_ && (method == "GET" || TakesBody(method)));
    routes_.Add(method, pattern, std::move(handler), takes_body);
  }
  void SetAccess(std::shared_ptr<AccessControl> access) {
    CHECK(!listener_);
    access_ = std::move(access);
  }
  absl::Status Start();
  int port() const { return listener_ ? listener_->port() : 0; }
  void Stop();

 private:
  void AcceptConnections();
  void ServeConnections();
  void ServeConnection(std::unique_ptr<HttpConnection> connection);
  // Ends it so that its answer arrives though the peer may still be sending.
  void End(std::unique_ptr<HttpConnection> connection);
  HttpLobby::Handlers LobbyHandlers();
  // True when connections wait for which no thread is free.
  bool Crowded() const { return waiting_.size() > options_.threads - serving_; }
  // What follows on the connection.
  enum class Next { kRequest, kClose, kStream };
  Next ServeRequest(Exchange& exchange);
  // Takes a place for an answer that is streamed; else refuses it.
  HttpResponse WithPlace(HttpResponse response);

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
  // What new connections are spoken to with; nothing, logged, when it cannot be had.
  std::optional<TlsContext> CurrentTls() EXCLUDES_LOCK(tls_mutex_);
  // What a sender wanted to hand over is lost to it by a wrong path: say so.
  void LogRefusal(const HttpRefusal& refusal);
  HttpResponse Call(const httplib::Request& request, std::string body);
  void Observe(const std::string& method, const std::string& pattern, int status,
               std::chrono::duration<double> elapsed = {}) const {
    if (options_.observer) options_.observer(method, pattern, status, elapsed);
  }
  // An answer without cpp-httplib, to what is no request.
  void Refuse(HttpConnection& connection, const HttpRefusal& refusal) const;

  // Constant once started.
  const HttpServerOptions options_;
  const HostRule host_rule_{options_.host_names};
  bool checks_host_ = false;
  HttpRoutes routes_;
  std::shared_ptr<AccessControl> access_;  // Null: none.
  std::unique_ptr<TcpListener> listener_;

  Mutex tls_mutex_;
  std::shared_ptr<const TlsServerMaterial> tls_material_ GUARDED_BY(tls_mutex_);
  TlsContext tls_context_ GUARDED_BY(tls_mutex_);  // Of tls_material_.

  LogLimiter refusal_limiter_{std::chrono::seconds(10)};
  StopEvent stop_;
  BoundedQueue<std::unique_ptr<HttpConnection>> waiting_;
  HttpLobby lobby_;
  std::atomic<size_t> serving_{0};   // Threads that have a connection.
  std::atomic<size_t> awaiting_{0};  // Threads that wait for a body which was asked for.
  std::thread acceptor_;
  std::vector<std::thread> workers_;
  HttpStreamPlaces streams_;
};

HttpServer::Impl::Impl(HttpServerOptions options)
    : options_(std::move(options)),
      waiting_(options_.connections_waiting_max),
      lobby_({.connections_max = options_.connections_waiting_max,
              .body_bytes_max = options_.body_bytes_max,
              .buffered_bytes_max = options_.buffered_bytes_max,
              .timeouts = options_.timeouts},
             stop_, LobbyHandlers()),
      streams_(options_.streams_max) {
  CHECK(options_.threads > 0);
  set_payload_max_length(options_.body_bytes_max);
  set_expect_100_continue_handler(
      [this](const httplib::Request&, httplib::Response& response) { return OnExpect(response); });
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return BeforeRouting(request, response);
  });
  const auto on_body = [this](const httplib::Request& request, httplib::Response& response,
                              const httplib::ContentReader& reader) {
    OnBody(request, response, reader);
  };
  httplib::Server::Post("/", on_body);
  httplib::Server::Put("/", on_body);
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) response.set_content(TextFor(response.status), kTextType);
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response,
                           std::exception_ptr) { response.status = 500; });
  set_post_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    BeforeWriting(request, response);
  });
}

absl::Status HttpServer::Impl::Start() {
  CHECK(!listener_);
  RETURN_IF_ERROR(TcpListener::CheckAddress(options_.listen_address));
  const bool tls = access_ != nullptr && access_->state()->tls != nullptr;
  RETURN_IF_ERROR(CheckListener(
      {.name = "HTTP", .flag = "--web.config.file", .tls = tls, .insecure = options_.insecure},
      options_.listen_address));
  checks_host_ = options_.checks_hosts && access_ == nullptr && IsLoopback(options_.listen_address);
  if (tls) RETURN_IF_ERROR(MakeTlsContext(*access_->state()->tls));
  ASSIGN_OR_RETURN(listener_, TcpListener::Bind(options_.listen_address));
  for (size_t i = 0; i < options_.threads; ++i) {
    workers_.emplace_back([this] { ServeConnections(); });
  }
  lobby_.Start();
  acceptor_ = std::thread([this] { AcceptConnections(); });
  return absl::OkStatus();
}

void HttpServer::Impl::Stop() {
  if (!acceptor_.joinable()) return;
  stop_.Signal();
  acceptor_.join();
  lobby_.Stop();
  waiting_.Close();
  for (std::thread& worker : workers_) worker.join();
  streams_.Stop();
}

void HttpServer::Impl::AcceptConnections() {
  LogLimiter overload_limiter(std::chrono::seconds(10));
  while (auto socket = listener_->Accept(stop_)) {
    const auto tls = CurrentTls();
    if (!tls.has_value()) continue;
    auto connection =
        std::make_unique<HttpConnection>(std::move(*socket), options_.timeouts, stop_, *tls);
    if (lobby_.Enter(connection)) continue;
    if (overload_limiter.Allow()) LogWarn("connections refused: too many are open");
    // Before its handshake a peer understands nothing.
    if (connection->shaking_hands()) continue;
    // Fits into the empty socket buffer, so it does not block this thread.
    Refuse(*connection, {503, "too many connections"});
    connection->Close(false);
  }
}

void HttpServer::Impl::End(std::unique_ptr<HttpConnection> connection) {
  connection->StartLinger();
  lobby_.Enter(connection);  // Without room it is closed at once.
}

HttpLobby::Handlers HttpServer::Impl::LobbyHandlers() {
  const auto refuse = [this](std::unique_ptr<HttpConnection> connection, const char* why) {
    Refuse(*connection, {503, why});
    End(std::move(connection));
  };
  return {[this, refuse](std::unique_ptr<HttpConnection> connection) {
            if (!waiting_.TryPush(std::move(connection))) {
              static LogLimiter limiter(std::chrono::seconds(10));
              if (limiter.Allow()) LogWarn("requests refused: every thread is taken");
              refuse(std::move(connection), "too many requests wait");
            }
          },
          [refuse](std::unique_ptr<HttpConnection> connection) {
            refuse(std::move(connection), "too many large requests at once");
          },
          [this] { access_->CountFailedHandshake(); }};
}

void HttpServer::Impl::ServeConnections() {
  while (true) {
    auto connections = waiting_.PopUpTo(1);
    if (connections.empty()) return;
    ++serving_;
    try {
      ServeConnection(std::move(connections.front()));
    } catch (const std::exception& error) {
      LogError("connection dropped", {{"error", error.what()}});
    }
    --serving_;
  }
}

void HttpServer::Impl::ServeConnection(std::unique_ptr<HttpConnection> connection) {
  while (true) {
    const HttpConnection::HeadResult result = connection->ReadHead();
    if (result == HttpConnection::HeadResult::kClosed) return;
    if (result == HttpConnection::HeadResult::kTimedOut) {
      Refuse(*connection, {408, "the headers did not come in time"});
      return End(std::move(connection));
    }
    if (result == HttpConnection::HeadResult::kTooLarge) {
      Refuse(*connection, {431, fmt::format("headers longer than {} bytes", kHttpHeadBytesMax)});
      return End(std::move(connection));
    }
    Exchange exchange;
    exchange.connection = connection.get();
    switch (ServeRequest(exchange)) {
      case Next::kRequest:
        break;
      case Next::kClose:
        return End(std::move(connection));
      case Next::kStream:
        return streams_.Run(std::move(exchange.place), std::move(connection),
                            std::move(exchange.stream), exchange.chunked);
    }
    // Who asks again at once is spared the way through the lobby.
    const auto gathered =
        connection->GatherWithin(Crowded() ? Millis(0) : kPatience, options_.body_bytes_max);
    if (gathered == HttpConnection::Gathered::kReady) continue;
    if (gathered == HttpConnection::Gathered::kMore && !lobby_.Enter(connection)) {
      connection->Close(false);
    }
    return;
  }
}

HttpServer::Impl::Next HttpServer::Impl::ServeRequest(Exchange& exchange) {
  HttpConnection& connection = *exchange.connection;
  auto parsed = ParseHttpHead(connection.head());
  if (const auto* refusal = std::get_if<HttpRefusal>(&parsed)) {
    Refuse(connection, *refusal);
    return Next::kClose;
  }
  exchange.head = std::get<HttpHead>(std::move(parsed));
  exchange.close_asked = AsksToClose(exchange.head);
  current_exchange = &exchange;
  // Whatever happens meanwhile.
  const std::unique_ptr<Exchange, std::function<void(Exchange*)>> end(
      &exchange, [this](const Exchange* ended) {
        if (ended->is_awaited) --awaiting_;
        current_exchange = nullptr;
      });
  bool closed = false;
  const bool written = process_request(connection, false, closed,
                                       [this](httplib::Request& request) { OnHead(request); });
  const bool sent = connection.Flush() && written;
  if (exchange.stream) {
    return sent && exchange.head.method != "HEAD" ? Next::kStream : Next::kClose;
  }
  return sent && !closed && !exchange.close_after ? Next::kRequest : Next::kClose;
}

HttpResponse HttpServer::Impl::WithPlace(HttpResponse response) {
  if (!response.stream) return response;
  current_exchange->place = streams_.Take();
  if (current_exchange->place == nullptr) {
    return AnswerTo({503, fmt::format("{} answers are streamed already, which is the limit: end "
                                      "one, or try again later",
                                      options_.streams_max)});
  }
  current_exchange->stream = response.stream;
  return response;
}

void HttpServer::Impl::OnHead(httplib::Request& request) {
  current_exchange->path = std::exchange(request.path, std::string("/"));
  // Many overlapping ranges would multiply an answer, and no handler has any use for one.
  request.ranges.clear();
}

std::optional<TlsContext> HttpServer::Impl::CurrentTls() {
  if (access_ == nullptr) return TlsContext();
  const auto material = access_->state()->tls;
  if (material == nullptr) return TlsContext();
  MutexLock lock(tls_mutex_);
  if (material != tls_material_) {
    auto made = MakeTlsContext(*material);
    if (made.ok()) {
      tls_context_ = *std::move(made);
    } else {
      LogError("new certificates cannot be used: the old ones still are",
               {{"error", MessageOf(made.status())}});
    }
    tls_material_ = material;
  }
  if (tls_context_.context == nullptr) return std::nullopt;
  return tls_context_;
}

std::optional<HttpResponse> HttpServer::Impl::CheckAccess() {
  using Outcome = AccessControl::Verdict::Outcome;
  if (access_ == nullptr) return std::nullopt;
  Exchange& exchange = *current_exchange;
  AccessControl::Verdict verdict = access_->CheckHttp(
      exchange.head.method, exchange.path,
      {exchange.head.Get("authorization"), exchange.connection->certificate_name(),
       exchange.connection->certificate_chain()});
  exchange.identity = std::move(verdict.identity);
  exchange.admission = std::move(verdict.admission);
  if (verdict.outcome == Outcome::kAllowed) return std::nullopt;
  const int status = verdict.outcome == Outcome::kUnknown  ? 401
                     : verdict.outcome == Outcome::kDenied ? 403
                                                           : 503;
  HttpResponse response = AnswerTo({status, verdict.message});
  if (!verdict.challenge.empty()) {
    response.headers.emplace_back("WWW-Authenticate", verdict.challenge);
  }
  exchange.close_after =
      TakesBody(exchange.head.method) || CheckHttpBody(exchange.head, false, 0).has_value();
  return response;
}

std::optional<HttpResponse> HttpServer::Impl::CheckHostAndOrigin() {
  if (!options_.checks_hosts) return std::nullopt;
  const HttpHead& head = current_exchange->head;
  std::optional<HttpRefusal> refusal;
  if (checks_host_) refusal = host_rule_.CheckHost(head);
  const auto rule = AccessOfHttp(head.method, current_exchange->path);
  const bool reads = rule.has_value() && rule->roles.HasAnyOf({Role::kRead});
  if (!refusal.has_value() && TakesBody(head.method) && !reads) {
    refusal = host_rule_.CheckOrigin(head);
  }
  if (!refusal.has_value()) return std::nullopt;
  LogRefusal(*refusal);
  return AnswerTo(*refusal);
}

std::optional<HttpResponse> HttpServer::Impl::Guard() {
  if (auto refused = CheckHostAndOrigin()) return refused;
  if (auto refused = CheckAccess()) return refused;
  Exchange& exchange = *current_exchange;
  auto found = routes_.Find(exchange.head.method, exchange.path);
  const bool takes_body = TakesBody(exchange.head.method);
  std::optional<HttpResponse> refused;
  if (const auto* not_found = std::get_if<HttpRoutes::NotFound>(&found)) {
    refused = AnswerTo(not_found->refusal);
    if (takes_body) LogRefusal(not_found->refusal);
    if (!not_found->allow.empty()) refused->headers.emplace_back("Allow", not_found->allow);
    // With no body to come the connection is fit for more.
    exchange.close_after = takes_body || CheckHttpBody(exchange.head, false, 0).has_value();
    return refused;
  }
  exchange.match = std::get<HttpRoutes::Match>(std::move(found));
  exchange.takes_body = takes_body && exchange.match->takes_body;
  if (auto refusal = CheckHttpBody(exchange.head, exchange.takes_body, options_.body_bytes_max)) {
    LogRefusal(*refusal);
    return AnswerTo(*refusal);
  }
  return std::nullopt;
}

void HttpServer::Impl::LogRefusal(const HttpRefusal& refusal) {
  if (!refusal_limiter_.Allow()) return;
  LogWarn("HTTP request refused", {{"method", current_exchange->head.method},
                                   {"path", Excerpt(current_exchange->path, kLongExcerptBytes)},
                                   {"code", std::to_string(refusal.status)},
                                   {"reason", refusal.message}});
}

int HttpServer::Impl::OnExpect(httplib::Response& response) {
  auto refused = Guard();
  // These hold a thread each until their bodies are there: never all of them.
  if (!refused.has_value() && ++awaiting_ > std::max<size_t>(1, options_.threads / 2)) {
    --awaiting_;
    refused = AnswerTo({503, "too many bodies are awaited: send it without Expect"});
  }
  if (!refused.has_value()) {
    current_exchange->is_awaited = true;
    return 100;
  }
  Fill(response, *std::move(refused));
  return response.status;
}

httplib::Server::HandlerResponse HttpServer::Impl::BeforeRouting(const httplib::Request& request,
                                                                 httplib::Response& response) {
  if (auto refused = Guard()) {
    Fill(response, *std::move(refused));
    return HandlerResponse::Handled;
  }
  current_exchange->connection->StartBody();
  if (current_exchange->takes_body) return HandlerResponse::Unhandled;
  current_exchange->close_after = false;
  Fill(response, WithPlace(Call(request, "")));
  return HandlerResponse::Handled;
}

void HttpServer::Impl::OnBody(const httplib::Request& request, httplib::Response& response,
                              const httplib::ContentReader& reader) {
  std::string body;
  body.reserve(current_exchange->head.content_length.value_or(0));
  const bool complete = reader([&body](const char* data, size_t size) {
    body.append(data, size);
    return true;
  });
  if (!complete) {
    const bool late = current_exchange->connection->timed_out();
    return Fill(response,
                AnswerTo({late ? 408 : 400, late ? "the body did not come in time"
                                                 : "the connection ended within the body"}));
  }
  current_exchange->close_after = false;
  Fill(response, WithPlace(Call(request, std::move(body))));
}

HttpResponse HttpServer::Impl::Call(const httplib::Request& request, std::string body) {
  Exchange& exchange = *current_exchange;
  HttpRequest own{exchange.head.method,
                  exchange.path,
                  ParametersOf(exchange.head.target),
                  std::move(body),
                  request.remote_addr,
                  std::move(exchange.identity),
                  std::move(exchange.admission),
                  std::move(exchange.head.headers),
                  std::move(exchange.match->path_parts)};
  static LogLimiter limiter(std::chrono::seconds(10));
  try {
    return (*exchange.match->handler)(own);
  } catch (const std::exception& error) {
    if (limiter.Allow()) {
      LogError("request handler failed", {{"path", own.path}, {"error", error.what()}});
    }
  }
  return AnswerTo({500, "internal error"});
}

void HttpServer::Impl::BeforeWriting(const httplib::Request& request, httplib::Response& response) {
  Exchange& exchange = *current_exchange;
  if (exchange.stream) {
    exchange.close_after = true;
    exchange.chunked = request.version == "HTTP/1.1";
    response.headers.erase("Content-Length");
    if (exchange.chunked) response.set_header("Transfer-Encoding", "chunked");
  }
  if (exchange.close_asked || stop_.stopped()) exchange.close_after = true;
  response.headers.erase("Keep-Alive");  // Would state the limits of cpp-httplib's own listener.
  if (access_ != nullptr) {
    for (const auto& [name, value] : access_->state()->config.headers) {
      response.headers.erase(name);
      response.set_header(name.c_str(), value);
    }
  }
  if (exchange.close_after) {
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  }
  Observe(exchange.head.method, exchange.match ? *exchange.match->pattern : "", response.status,
          std::chrono::steady_clock::now() - exchange.start);
}

void HttpServer::Impl::Refuse(HttpConnection& connection, const HttpRefusal& refusal) const {
  Observe("", "", refusal.status);
  const std::string body = refusal.message + "\n";
  const std::string answer = fmt::format(
      "HTTP/1.1 {} Refused\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close"
      "\r\n\r\n{}",
      refusal.status, kTextType, body.size(), body);
  connection.write(answer.data(), answer.size());
}

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpServer::~HttpServer() = default;

void HttpServer::Handle(const std::string& method, const std::string& pattern, Handler handler) {
  impl_->AddRoute(method, pattern, std::move(handler), true);
}
void HttpServer::HandleCommand(const std::string& method, const std::string& pattern,
                               Handler handler) {
  impl_->AddRoute(method, pattern, std::move(handler), false);
}
void HttpServer::SetAccess(std::shared_ptr<AccessControl> access) {
  impl_->SetAccess(std::move(access));
}
absl::Status HttpServer::Start() { return impl_->Start(); }
int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace alertjoin
