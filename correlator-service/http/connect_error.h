#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "common/net/http_server.h"

namespace alertjoin {

// Errors as the Connect protocol writes them:
//   {"code":"invalid_argument","message":"…","details":[{"type":"google.rpc.BadRequest",
//    "value":"<base64 without padding>","debug":{…}}]}
// Source: connectrpc.com/docs/protocol.

// REQUIRES: not OK. One line.
std::string ConnectErrorJson(const grpc::Status& status);
// The HTTP status of its code.
int ConnectHttpStatus(grpc::StatusCode code);
// Both; for what may be asked again, with Retry-After.
HttpResponse ConnectErrorResponse(const grpc::Status& status);

}  // namespace alertjoin
