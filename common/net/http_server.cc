#include "common/net/http_server.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <optional>
#include <thread>

#include "common/access/access_control.h"
#include "common/log/log.h"
#include "common/net/http_connection.h"
#include "common/net/http_exchanges.h"
#include "common/net/http_head.h"
#include "common/net/http_lobby.h"
#include "common/net/http_stream_places.h"
#include "common/net/listener_rule.h"
#include "common/net/stop_event.h"
#include "common/net/tcp_listener.h"
#include "common/net/tls_session.h"
#include "common/status/status.h"
#include "common/sync/bounded_queue.h"
#include "common/sync/mutex.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {
namespace {

// For the next request of a connection.
constexpr Millis kPatience{20};

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
  void ServeConnections();
  void ServeConnection(std::unique_ptr<HttpConnection> connection);
  // Ends it so that its answer arrives though the peer may still be sending.
  void End(std::unique_ptr<HttpConnection> connection);
  HttpLobby::Handlers LobbyHandlers();
  // True when connections wait for which no thread is free.
  bool Crowded() const { return waiting_.size() > options_.threads - serving_; }
  // What new connections are spoken to with; nothing, logged, when it cannot be had.
  std::optional<TlsContext> CurrentTls() EXCLUDES_LOCK(tls_mutex_);

  // Constant once started.
  const HttpServerOptions options_;
  std::shared_ptr<AccessControl> access_;  // Null: none.
  std::unique_ptr<TcpListener> listener_;

  Mutex tls_mutex_;
  std::shared_ptr<const TlsServerMaterial> tls_material_ GUARDED_BY(tls_mutex_);
  TlsContext tls_context_ GUARDED_BY(tls_mutex_);  // Of tls_material_.

  StopEvent stop_;
  BoundedQueue<std::unique_ptr<HttpConnection>> waiting_;
  HttpLobby lobby_;
  std::atomic<size_t> serving_{0};  // Threads that have a connection.
  std::thread acceptor_;
  std::vector<std::thread> workers_;
  HttpStreamPlaces streams_;
  HttpExchanges exchanges_;
};

HttpServer::Impl::Impl(HttpServerOptions options)
    : options_(std::move(options)),
      waiting_(options_.connections_waiting_max),
      lobby_({.connections_max = options_.connections_waiting_max,
              .body_bytes_max = options_.body_bytes_max,
              .buffered_bytes_max = options_.buffered_bytes_max,
              .timeouts = options_.timeouts},
             stop_, LobbyHandlers()),
      streams_(options_.streams_max),
      exchanges_(options_, streams_, stop_) {
  CHECK(options_.threads > 0);
}

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
  WantShortTurns();
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
    exchanges_.Refuse(*connection, {503, "too many connections"});
    connection->Close(false);
  }
}

void HttpServer::Impl::End(std::unique_ptr<HttpConnection> connection) {
  connection->StartLinger();
  lobby_.Enter(connection);  // Without room it is closed at once.
}

HttpLobby::Handlers HttpServer::Impl::LobbyHandlers() {
  const auto refuse = [this](std::unique_ptr<HttpConnection> connection, const char* why) {
    exchanges_.Refuse(*connection, {503, why});
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
  WantShortTurns();
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
      exchanges_.Refuse(*connection, {408, "the headers did not come in time"});
      return End(std::move(connection));
    }
    if (result == HttpConnection::HeadResult::kTooLarge) {
      exchanges_.Refuse(*connection,
                        {431, fmt::format("headers longer than {} bytes", kHttpHeadBytesMax)});
      return End(std::move(connection));
    }
    HttpExchanges::Served served = exchanges_.Serve(*connection);
    switch (served.next) {
      case HttpExchanges::Next::kRequest:
        break;
      case HttpExchanges::Next::kClose:
        return End(std::move(connection));
      case HttpExchanges::Next::kStream:
        return streams_.Run(std::move(served.place), std::move(connection),
                            std::move(served.stream), served.chunked);
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
void HttpServer::SetAccess(std::shared_ptr<AccessControl> access) {
  impl_->SetAccess(std::move(access));
}
absl::Status HttpServer::Start() { return impl_->Start(); }
int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace alertjoin
