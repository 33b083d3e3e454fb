#include "correlator-service/http/messages.h"

#include <google/protobuf/util/json_util.h>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/status/status.h"

namespace alertjoin {

using google::protobuf::Message;

const google::protobuf::ServiceDescriptor& CorrelatorServiceDescriptor() {
  // By way of a message, so that the file that has the service is linked.
  static const auto* const service =
      v1::ListJoinedRowsRequest::descriptor()->file()->FindServiceByName("CorrelatorService");
  CHECK(service != nullptr);
  return *service;
}

std::string MethodPath(const google::protobuf::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor* type) {
  const Message* const prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  CHECK(prototype != nullptr);
  return std::unique_ptr<Message>(prototype->New());
}

absl::StatusOr<std::string> ToJson(const Message& message) {
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text);
  if (status.ok()) return text;
  return absl::InternalError("the answer has no form in JSON: " +
                             std::string(status.message().data(), status.message().size()));
}

}  // namespace alertjoin
