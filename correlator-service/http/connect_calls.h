#pragma once

#include "common/net/http_server.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

constexpr Millis kRpcTimeout = std::chrono::seconds(30);

// Answers POST /alertjoin.v1.CorrelatorService/<Method> as a Connect server does a unary call. The
// first part of the path is the method's name. The body is proto3 JSON (application/json) or a
// serialised message (application/proto), and so is the answer; nothing at all is an empty request.
// An unknown field is INVALID_ARGUMENT, reason MALFORMED_REQUEST, with its name. Connect-Timeout-Ms
// is the call's deadline, kRpcTimeout at most. 404 when there is no such method, 415 for another
// media type. Thread-safe; waits for the answer.
HttpResponse AnswerConnectCall(const RpcCalls& calls, const HttpRequest& request);

}  // namespace alertjoin
