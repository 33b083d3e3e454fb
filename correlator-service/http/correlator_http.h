#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "correlator-service/http/places.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

// What correlator-service offers over HTTP beside its health and metrics; README.md has the list.
// Thread-safe.
class CorrelatorHttp {
 public:
  // Event streams at the same time.
  static constexpr size_t kEventStreamsMax = 96;
  // Tables at the same time that take more than one page.
  static constexpr size_t kExportsMax = 16;
  // What HttpServerOptions::streams_max must be for them.
  static constexpr size_t kStreamsMax = kEventStreamsMax + kExportsMax;
  // Of a request.
  static constexpr size_t kBodyBytesMax = 1 << 20;

  // The clock must outlive it.
  explicit CorrelatorHttp(const Clock& clock) : clock_(clock) {}

  // Adds all handlers to the server, which must not be started, and must be stopped before this is
  // destroyed.
  void AddTo(HttpServer& server);

  // From now on the gRPC server behind the channel answers; until then, and after Close, what needs
  // it is refused with 503.
  void Open(std::shared_ptr<grpc::Channel> channel) { calls_.Open(std::move(channel)); }
  // Before the gRPC server's Shutdown.
  void Close() { calls_.Close(); }

 private:
  const Clock& clock_;
  RpcCalls calls_;
  Places event_streams_{kEventStreamsMax};
  Places exports_{kExportsMax};
};

}  // namespace alertjoin
