#include "correlator-service/http/connect_error.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "google/rpc/status.pb.h"

namespace alertjoin {
namespace {

using nlohmann::json;

struct ConnectCode {
  grpc::StatusCode code;
  const char* name;
  int http_status;
};
constexpr ConnectCode kCodes[] = {
    {grpc::StatusCode::CANCELLED, "canceled", 499},
    {grpc::StatusCode::UNKNOWN, "unknown", 500},
    {grpc::StatusCode::INVALID_ARGUMENT, "invalid_argument", 400},
    {grpc::StatusCode::DEADLINE_EXCEEDED, "deadline_exceeded", 504},
    {grpc::StatusCode::NOT_FOUND, "not_found", 404},
    {grpc::StatusCode::ALREADY_EXISTS, "already_exists", 409},
    {grpc::StatusCode::PERMISSION_DENIED, "permission_denied", 403},
    {grpc::StatusCode::RESOURCE_EXHAUSTED, "resource_exhausted", 429},
    {grpc::StatusCode::FAILED_PRECONDITION, "failed_precondition", 400},
    {grpc::StatusCode::ABORTED, "aborted", 409},
    {grpc::StatusCode::OUT_OF_RANGE, "out_of_range", 400},
    {grpc::StatusCode::UNIMPLEMENTED, "unimplemented", 501},
    {grpc::StatusCode::INTERNAL, "internal", 500},
    {grpc::StatusCode::UNAVAILABLE, "unavailable", 503},
    {grpc::StatusCode::DATA_LOSS, "data_loss", 500},
    {grpc::StatusCode::UNAUTHENTICATED, "unauthenticated", 401},
};

const ConnectCode& CodeOf(grpc::StatusCode code) {
  for (const ConnectCode& known : kCodes) {
    if (known.code == code) return known;
  }
  return kCodes[1];
}

// The message as JSON, for people; null when its type is none of ours.
json DebugOf(const google::protobuf::Any& any, const std::string& type) {
  const auto* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) return nullptr;
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  std::string text;
  if (!message->ParseFromString(any.value()) ||
      !google::protobuf::util::MessageToJsonString(*message, &text).ok()) {
    return nullptr;
  }
  return json::parse(text, nullptr, false);
}

json DetailJson(const google::protobuf::Any& any) {
  const std::string type = any.type_url().substr(any.type_url().rfind('/') + 1);
  std::string value = absl::Base64Escape(any.value());
  while (value.ends_with('=')) value.pop_back();
  json detail{{"type", type}, {"value", value}};
  json debug = DebugOf(any, type);
  if (debug.is_object()) detail["debug"] = std::move(debug);
  return detail;
}

}  // namespace

std::string ConnectErrorJson(const grpc::Status& status) {
  nlohmann::ordered_json error{{"code", CodeOf(status.error_code()).name},
                               {"message", status.error_message()}};
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) error["details"].push_back(DetailJson(any));
  }
  return error.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

int ConnectHttpStatus(grpc::StatusCode code) { return CodeOf(code).http_status; }

HttpResponse ConnectErrorResponse(const grpc::Status& status) {
  HttpResponse response;
  response.status = ConnectHttpStatus(status.error_code());
  response.content_type = "application/json";
  response.body = ConnectErrorJson(status) + "\n";
  if (response.status == 429 || response.status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

}  // namespace alertjoin
