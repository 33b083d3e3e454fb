#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/net/grpc_channel.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Asks the correlator at the address whether it would let us push: begins a PushEvents call, as an
// uplink does, and ends it without a word, so that nothing comes of it. What refuses it (access,
// certificates, a server that is none of ours) is the error; those of ConnectGrpc are, too. Blocks,
// for the timeout at most.
absl::Status AskToPush(const std::string& address, const GrpcClientOptions& client, Millis timeout);

}  // namespace alertjoin
