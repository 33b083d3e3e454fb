#include "common/net/message_bytes.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {

using google::protobuf::Message;

grpc::ByteBuffer ToBytes(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own = false;
  CHECK(grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own).ok());
  return bytes;
}

bool FromBytes(const grpc::ByteBuffer& bytes, Message* message) {
  grpc::ByteBuffer read = bytes;  // The same bytes; parsing empties the buffer.
  return grpc::SerializationTraits<Message>::Deserialize(&read, message).ok();
}

absl::Status ParseRequest(const grpc::ByteBuffer& bytes, Message* request) {
  if (FromBytes(bytes, request)) return absl::OkStatus();
  return MakeError("MALFORMED_REQUEST", "request: is no serialised " + request->GetTypeName());
}

}  // namespace alertjoin
