#include "tests/integration/read/named_call.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

using google::protobuf::Message;

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor& type) {
  auto* const factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(factory->GetPrototype(&type)->New());
}

const google::protobuf::ServiceDescriptor& Service() {
  return *v1::ListJoinedRowsRequest::descriptor()->file()->FindServiceByName("CorrelatorService");
}

grpc::ByteBuffer BytesOf(const google::protobuf::Descriptor& type, const std::string& text) {
  const auto message = NewMessage(type);
  CHECK(google::protobuf::TextFormat::ParseFromString(text, message.get()));
  return ToBytes(*message);
}

std::vector<std::string> Methods(bool streaming) {
  std::vector<std::string> names;
  for (int i = 0; i < Service().method_count(); ++i) {
    if (Service().method(i)->server_streaming() == streaming) {
      names.push_back(Service().method(i)->name());
    }
  }
  return names;
}

}  // namespace

NamedCall::NamedCall(grpc::GenericStub& stub, const std::string& method, const std::string& request,
                     std::optional<Millis> time)
    : NamedCall(stub, method, BytesOf(*Method(method).input_type(), request), time) {}

NamedCall::NamedCall(grpc::GenericStub& stub, const std::string& method,
                     const grpc::ByteBuffer& request, std::optional<Millis> time)
    : method_(Method(method)), request_(request) {
  context_.set_deadline(std::chrono::system_clock::now() + time.value_or(Millis(60'000)));
  const auto ended = std::make_shared<std::promise<absl::Status>>();
  ended_ = ended->get_future();
  stub.UnaryCall(&context_, "/alertjoin.v1.CorrelatorService/" + method, {}, &request_, &response_,
                 [ended](const grpc::Status& status) { ended->set_value(FromGrpcStatus(status)); });
}

NamedCall::~NamedCall() {
  Cancel();
  (void)status();
}

bool NamedCall::HasEnded() const {
  return status_ || ended_.wait_for(Millis(0)) == std::future_status::ready;
}

const absl::Status& NamedCall::status() {
  if (!status_) status_ = ended_.get();
  return *status_;
}

nlohmann::json NamedCall::Answer() {
  CHECK(status().ok());
  const auto message = NewMessage(*method_.output_type());
  CHECK(FromBytes(response_, message.get()));
  std::string json;
  CHECK(google::protobuf::util::MessageToJsonString(*message, &json).ok());
  return nlohmann::json::parse(json);
}

std::vector<std::string> NamedCall::Unary() { return Methods(false); }
std::vector<std::string> NamedCall::Streaming() { return Methods(true); }

const google::protobuf::MethodDescriptor& NamedCall::Method(const std::string& name) {
  const auto* const method = Service().FindMethodByName(name);
  CHECK(method != nullptr);
  return *method;
}

}  // namespace alertjoin
