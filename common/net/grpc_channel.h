#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace alertjoin {

// How a client shows itself to a gRPC server, and knows it.
struct GrpcClientOptions {
  bool tls = false;
  std::string ca_file;    // "": the machine's own authorities.
  std::string cert_file;  // The client's own certificate, with key_file; "": none.
  std::string key_file;
  std::string server_name;  // In the server's certificate; "": the host of the address.
  std::string token_file;   // "": none. Only with TLS.
};

// A channel as MakeChannel's, and what each call on it carries.
struct GrpcClient {
  std::shared_ptr<grpc::Channel> channel;
  std::string authorization;  // The value of the metadata "authorization"; "": none.
};
// Reads the files anew, so that whoever connects again has what they say now. FAILED_PRECONDITION
// names the file that cannot be read or used.
absl::StatusOr<GrpcClient> ConnectGrpc(const std::string& address,
                                       const GrpcClientOptions& options);

}  // namespace alertjoin
