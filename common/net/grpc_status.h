#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace alertjoin {

// The one place where a status becomes a gRPC status: same code and message, and as details
// google.rpc.ErrorInfo (domain "alertjoin") and google.rpc.BadRequest from its ErrorDetail. A
// status without one has its code's name as reason. Texts are cut where the trailers would grow
// beyond the 8 KiB that a peer takes.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The way back, for clients. Details that are not ours, or that do not parse, are left out.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace alertjoin
