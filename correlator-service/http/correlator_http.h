#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "common/net/http_server.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "common/time/timestamp.h"
#include "correlator-service/http/places.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

// Where programs reach the gRPC server beside it; the live page says it to people.
struct GrpcPlace {
  int port = 0;  // 0: not known.
  bool tls = false;
  bool loopback = false;  // From this machine only.
};

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

  // The clock must outlive it, and so must `callers`, which are those of the service.
  explicit CorrelatorHttp(const Clock& clock, GrpcCallers* callers = nullptr)
      : clock_(clock), calls_(callers) {}

  // Adds all handlers to the server, which must not be started, and must be stopped before this is
  // destroyed.
  void AddTo(HttpServer& server);

  // From now on the gRPC server behind the channel answers, which others find at `place`; until
  // then, and after Close, what needs it is refused with 503.
  void Open(std::shared_ptr<grpc::Channel> channel, GrpcPlace place = {}) EXCLUDES_LOCK(mutex_);
  // For before the gRPC server's Shutdown: no call begins any more; those that have begun have
  // ended. False: not within `wait`.
  void Close() { calls_.Close(); }
  bool Drain(Millis wait) { return calls_.Drain(wait); }

 private:
  HttpResponse AnswerPlace() const EXCLUDES_LOCK(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  GrpcPlace place_ GUARDED_BY(mutex_);
  RpcCalls calls_;
  Places event_streams_{kEventStreamsMax};
  Places exports_{kExportsMax};
};

}  // namespace alertjoin
