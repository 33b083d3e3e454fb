#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/net/grpc_channel.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Asks the gRPC server at the address whether it serves, by the standard health service.
// UNAVAILABLE when it cannot be reached, says that it does not serve, or does not answer within the
// timeout; the errors of ConnectGrpc. Blocks.
absl::Status AskGrpcHealth(const std::string& address, const GrpcClientOptions& client,
                           Millis timeout);

}  // namespace alertjoin
