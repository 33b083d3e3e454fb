#pragma once

#include <google/protobuf/descriptor.h>

#include "absl/status/statusor.h"
#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "correlator-service/http/places.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

// Answers a GET with the messages of a method that streams, as server-sent events. The parameters
// of the address are the fields of its request; the header Last-Event-ID goes before
// `resume_token`, so that a browser that connects again goes on where it was.
//   id: <resume_token>
//   event: <name of the member of the message's oneof>
//   data: <that member as proto3 JSON, in one line>
// The call's end is an event `error`, its data the error as Connect writes it; after one that says
// that the token is no good, a browser that connects again begins anew.
// An unknown parameter is 400; too many streams are 503, and so is a correlator that does not
// serve: nothing is streamed then. Thread-safe. All must outlive the answer.
HttpResponse StreamEvents(const RpcCalls& calls, Places& places,
                          const google::protobuf::MethodDescriptor& method, const Clock& clock,
                          const HttpRequest& request);

// One message of a stream as an event. Nothing when it has no member of the oneof "message".
absl::StatusOr<std::string> FormatEvent(const google::protobuf::Message& message);

}  // namespace alertjoin
