#include "common/net/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "common/access/access_control.h"
#include "common/log/log.h"
#include "common/net/http_connection.h"
#include "common/net/http_exchanges.h"
#include "common/net/http_head.h"
#include "common/net/http_lane.h"
#include "common/net/http_lobby.h"
#include "common/net/http_stream_places.h"
#include "common/net/listener_rule.h"
#include "common/net/stop_event.h"
#include "common/net/tcp_listener.h"
#include "common/net/tls_session.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "common/sync/thread.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {
namespace {

// For the next request of a connection.
constexpr Millis kPatience{20};

// What a GET or HEAD asks for by its first line, without parameters; "" when it is none. As sent:
// who encodes what needs no encoding may wait with the others.
std::string_view PathAskedFor(std::string_view line) {
  for (const std::string_view method : {"GET ", "HEAD "}) {
    if (!line.starts_with(method)) continue;
    line.remove_prefix(method.size());
    return line.substr(0, std::min(line.find_first_of(" ?"), line.size()));
  }
  return "";
}

}  // namespace

// The connections: who comes in, waits, is served, goes. What becomes of a request is for
// HttpExchanges.
class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options);
  ~Impl() { Stop(); }

  void AddRoute(const std::string& method, const std::string& pattern, HttpServer::Handler handler,
                bool takes_body) {
    CHECK(!listener_);
    exchanges_.AddRoute(method, pattern, std::move(handler), takes_body);
  }
  void AddUrgent(const std::string& path, HttpServer::Handler handler) {
    AddRoute("GET", path, std::move(handler), false);
    urgent_paths_.push_back(path);
  }
  void SetAccess(std::shared_ptr<AccessControl> access) {
    CHECK(!listener_);
    access_ = std::move(access);
    exchanges_.SetAccess(access_);
  }
  absl::Status Start();
  int port() const { return listener_ ? listener_->port() : 0; }
  void Stop();

 private:
  void AcceptConnections();
  // Whether its next request is for an urgent handler.
  bool IsUrgent(const HttpConnection& connection) const;
  HttpLane& LaneFor(const HttpConnection& connection);
  // Serves its requests until others wait or none comes.
  void ServeConnection(std::unique_ptr<HttpConnection> connection);
  void ServeUrgent(std::unique_ptr<HttpConnection> connection);
  // Serves one request. The connection, if another may follow on it; else it was seen to.
  std::unique_ptr<HttpConnection> ServeRequest(std::unique_ptr<HttpConnection> connection);
  // To wait for its next request.
  void Return(std::unique_ptr<HttpConnection> connection);
  // Ends it so that its answer arrives though the peer may still be sending.
  void End(std::unique_ptr<HttpConnection> connection);
  HttpLobby::Handlers LobbyHandlers();
  HttpConnection::WaitsForBody WaitsForBodies() {
    return [this](const HttpHead& head, const HttpConnection& connection) {
      return exchanges_.WaitsForBody(head, connection);
    };
  }
  // What new connections are spoken to with; nothing, logged, when it cannot be had.
  std::optional<TlsContext> CurrentTls() EXCLUDES_LOCK(tls_mutex_);

  // Constant once started.
  const HttpServerOptions options_;
  std::shared_ptr<AccessControl> access_;  // Null: none.
  std::unique_ptr<TcpListener> listener_;
  std::vector<std::string> urgent_paths_;

  Mutex tls_mutex_;
  std::shared_ptr<const TlsServerMaterial> tls_material_ GUARDED_BY(tls_mutex_);
  TlsContext tls_context_ GUARDED_BY(tls_mutex_);  // Of tls_material_.

  StopEvent stop_;
  HttpByteBudget bytes_;
  HttpLobby lobby_;
  std::thread acceptor_;
  HttpStreamPlaces streams_;
  HttpExchanges exchanges_;
  HttpLane ordinary_;
  HttpLane urgent_;
};

HttpServer::Impl::Impl(HttpServerOptions options)
    : options_(std::move(options)),
      bytes_(options_.buffered_bytes_max),
      lobby_({.connections_max = options_.connections_waiting_max, .timeouts = options_.timeouts},
             stop_, LobbyHandlers()),
      streams_(options_.streams_max),
      exchanges_(options_, streams_, stop_),
      ordinary_("http", options_.threads, options_.connections_waiting_max,
                [this](auto connection) { ServeConnection(std::move(connection)); }),
      urgent_("http-urgent", kHttpUrgentThreads, kHttpUrgentWaitingMax,
              [this](auto connection) { ServeUrgent(std::move(connection)); }) {}

absl::Status HttpServer::Impl::Start() {
  CHECK(!listener_);
  RETURN_IF_ERROR(TcpListener::CheckAddress(options_.listen_address));
  const bool tls = access_ != nullptr && access_->state()->tls != nullptr;
  RETURN_IF_ERROR(CheckListener(
      {.name = "HTTP", .flag = "--web.config.file", .tls = tls, .insecure = options_.insecure},
      options_.listen_address));
  if (options_.checks_hosts && access_ == nullptr && IsLoopback(options_.listen_address)) {
    exchanges_.CheckHosts();
  }
  if (tls) RETURN_IF_ERROR(MakeTlsContext(*access_->state()->tls));
  ASSIGN_OR_RETURN(listener_, TcpListener::Bind(options_.listen_address));
  ordinary_.Start();
  urgent_.Start();
  lobby_.Start();
  acceptor_ = StartThread("http-accept", [this] { AcceptConnections(); });
  return absl::OkStatus();
}

void HttpServer::Impl::Stop() {
  if (!acceptor_.joinable()) return;
  stop_.Signal();
  acceptor_.join();
  lobby_.Stop();
  urgent_.Stop();
  ordinary_.Stop();
  streams_.Stop();
}

void HttpServer::Impl::AcceptConnections() {
  WantShortTurns();
  LogLimiter overload_limiter(std::chrono::seconds(10));
  while (auto socket = listener_->Accept(stop_)) {
    const auto tls = CurrentTls();
    if (!tls.has_value()) continue;
    auto connection = std::make_unique<HttpConnection>(std::move(*socket), options_.timeouts, stop_,
                                                       bytes_, *tls);
    if (lobby_.Enter(connection)) continue;
    if (overload_limiter.Allow()) LogWarn("connections refused: too many are open");
    exchanges_.ObserveOverload(HttpOverload::kConnections);
    // Before its handshake a peer understands nothing.
    if (connection->shaking_hands()) continue;
    // Fits into the empty socket buffer, so it does not block this thread.
    exchanges_.Refuse(*connection, {503, "too many connections"});
    connection->Close(false);
  }
}

void HttpServer::Impl::End(std::unique_ptr<HttpConnection> connection) {
  connection->StartLinger();
  lobby_.Enter(connection);  // Without room it is closed at once.
}

HttpLobby::Handlers HttpServer::Impl::LobbyHandlers() {
  const auto refuse = [this](std::unique_ptr<HttpConnection> connection, HttpOverload overload,
                             const char* why) {
    exchanges_.ObserveOverload(overload);
    exchanges_.Refuse(*connection, {503, why});
    End(std::move(connection));
  };
  return {WaitsForBodies(),
          [this, refuse](std::unique_ptr<HttpConnection> connection) {
            if (!LaneFor(*connection).TryPush(std::move(connection))) {
              static LogLimiter limiter(std::chrono::seconds(10));
              if (limiter.Allow()) LogWarn("requests refused: every thread is taken");
              refuse(std::move(connection), HttpOverload::kWaiting, "too many requests wait");
            }
          },
          [refuse](std::unique_ptr<HttpConnection> connection) {
            refuse(std::move(connection), HttpOverload::kLargeBodies, kTooManyLarge);
          },
          [this] { access_->CountFailedHandshake(); }};
}

bool HttpServer::Impl::IsUrgent(const HttpConnection& connection) const {
  const std::string_view path = PathAskedFor(connection.first_line());
  return !path.empty() && std::ranges::find(urgent_paths_, path) != urgent_paths_.end();
}

HttpLane& HttpServer::Impl::LaneFor(const HttpConnection& connection) {
  // A peer that does not take its answer holds a thread: as long as others are free, it keeps
  // nobody waiting.
  const bool on_urgent =
      IsUrgent(connection) && (urgent_.HasFreeThread() || !ordinary_.HasFreeThread());
  return on_urgent ? urgent_ : ordinary_;
}

std::unique_ptr<HttpConnection> HttpServer::Impl::ServeRequest(
    std::unique_ptr<HttpConnection> connection) {
  const HttpConnection::HeadResult result = connection->ReadHead();
  if (result == HttpConnection::HeadResult::kClosed) return nullptr;
  if (result == HttpConnection::HeadResult::kTimedOut) {
    exchanges_.Refuse(*connection, stop_.stopped()
                                       ? HttpRefusal{503, "the service stops: send it again"}
                                       : HttpRefusal{408, "the headers did not come in time"});
    End(std::move(connection));
    return nullptr;
  }
  if (result == HttpConnection::HeadResult::kTooLarge) {
    exchanges_.Refuse(*connection,
                      {431, fmt::format("headers longer than {} bytes", kHttpHeadBytesMax)});
    End(std::move(connection));
    return nullptr;
  }
  HttpExchanges::Served served = exchanges_.Serve(*connection);
  connection->share().Hold(0);
  switch (served.next) {
    case HttpExchanges::Next::kRequest:
      return connection;
    case HttpExchanges::Next::kClose:
      End(std::move(connection));
      return nullptr;
    case HttpExchanges::Next::kStream:
      streams_.Run(std::move(served.place), std::move(connection), std::move(served.stream),
                   served.chunked);
      return nullptr;
  }
  return nullptr;
}

void HttpServer::Impl::Return(std::unique_ptr<HttpConnection> connection) {
  if (!lobby_.Enter(connection)) connection->Close(false);
}

void HttpServer::Impl::ServeConnection(std::unique_ptr<HttpConnection> connection) {
  while ((connection = ServeRequest(std::move(connection))) != nullptr) {
    // Who asks again at once is spared the way through the lobby, unless its bytes count.
    const auto gathered =
        connection->GatherWithin(ordinary_.Crowded() ? Millis(0) : kPatience, WaitsForBodies());
    const bool ready = gathered == HttpConnection::Gathered::kReady;
    if (ready && connection->buffered() <= kHttpSmallBytes) continue;
    if (ready || gathered == HttpConnection::Gathered::kMore) Return(std::move(connection));
    return;
  }
}

void HttpServer::Impl::ServeUrgent(std::unique_ptr<HttpConnection> connection) {
  // The next one may be of the other kind, or the next of very many.
  if ((connection = ServeRequest(std::move(connection)))) Return(std::move(connection));
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
void HttpServer::HandleUrgent(const std::string& path, Handler handler) {
  impl_->AddUrgent(path, std::move(handler));
}
void HttpServer::SetAccess(std::shared_ptr<AccessControl> access) {
  impl_->SetAccess(std::move(access));
}
absl::Status HttpServer::Start() { return impl_->Start(); }
int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace alertjoin
