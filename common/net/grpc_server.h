#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

class AccessControl;
class GrpcCallers;

// What either side of a connection promises: a peer that answers nothing any more, however its
// connection looks, is found within this time.
constexpr Millis kGrpcSilenceMax{30'000};
// How: each pings the other after so long without a word, and gives the connection up when nothing
// comes for so long.
constexpr Millis kGrpcKeepaliveTime{15'000};
constexpr Millis kGrpcKeepaliveTimeout{5'000};

// A gRPC server on one address with reflection, the standard health service (the services
// named and "" SERVING), keepalive both ways (of these times), bounded streams, metadata and
// message sizes, and a port that no second process can share.
struct GrpcServerOptions {
  std::string listen_address = "127.0.0.1:0";
  bool insecure = false;                  // May be reached from elsewhere without TLS.
  std::shared_ptr<AccessControl> access;  // TLS, who may call what. Not started. Null: neither.
  // What the services ask who calls, which is told of `access`. Must outlive the server. Null: no
  // service asks.
  GrpcCallers* callers = nullptr;
  std::vector<grpc::Service*> services;  // Must outlive the server.
  // Full names of the services ("alertjoin.v1.IngestService") for the health service.
  std::vector<std::string> service_names = {};
  int receive_bytes_max = 8 << 20;
  // A connection of this age is ended after five minutes of grace, so that clients spread over
  // several servers again. 0: never, since clients that cannot resume would be cut for nothing.
  Millis connection_age_max{0};
  // Its calls are counted there (grpc_metrics.h). Must outlive the server. Null: nowhere.
  prometheus::Registry* registry = nullptr;
};
struct RunningGrpcServer {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};
// UNAVAILABLE with the address when it cannot be bound, INVALID_ARGUMENT when it is not the
// machine's own without being `insecure`.
absl::StatusOr<RunningGrpcServer> StartGrpcServer(const GrpcServerOptions& options);

// A channel to a server of this process that goes over no socket. It may outlive the server, but no
// call may begin on it after the server's Shutdown has: gRPC 1.51 crashes then. What has begun ends
// as on any other channel.
std::shared_ptr<grpc::Channel> MakeInProcessChannel(grpc::Server& server);

// A channel to `address` with keepalive that fits such a server. It shares nothing with other
// channels: a new one tries to connect at once, whatever failed before.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);
// The same with credentials. `server_name`: what the server's certificate must say; "": its host.
std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const std::string& server_name);

}  // namespace alertjoin
