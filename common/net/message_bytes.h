#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"

namespace alertjoin {

// Messages as gRPC carries them. Methods whose requests come as bytes say themselves what is wrong
// with those that cannot be parsed: gRPC calls such a unary method UNIMPLEMENTED, and such a stream
// one that has ended (gRPC 1.51, server_callback_handlers.h).

grpc::ByteBuffer ToBytes(const google::protobuf::Message& message);
// False when they are none of the type.
bool FromBytes(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);
// INVALID_ARGUMENT, reason MALFORMED_REQUEST, when they are none of the type.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message* request);

namespace internal {
template <typename Service, template <typename> class... Methods>
struct RawMethods {
  using type = Service;
};
template <typename Service, template <typename> class First, template <typename> class... Rest>
struct RawMethods<Service, First, Rest...> {
  using type = First<typename RawMethods<Service, Rest...>::type>;
};
}  // namespace internal

// A generated service whose `Methods`, its WithRawCallbackMethod_..., take and give bytes.
template <typename Service, template <typename> class... Methods>
using WithRawMethods = typename internal::RawMethods<Service, Methods...>::type;

}  // namespace alertjoin
