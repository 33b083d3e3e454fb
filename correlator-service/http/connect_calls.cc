#include "correlator-service/http/connect_calls.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <charconv>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/net/grpc_status.h"
#include "common/net/http_head.h"
#include "common/net/message_bytes.h"
#include "common/status/error_reason.h"
#include "correlator-service/http/connect_error.h"
#include "correlator-service/http/messages.h"

namespace alertjoin {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr char kJson[] = "application/json";
constexpr char kProto[] = "application/proto";
constexpr size_t kTimeoutDigitsMax = 10;

absl::Status Malformed(const std::string& why, std::vector<FieldViolation> fields = {}) {
  ErrorDetail detail;
  detail.field_violations = std::move(fields);
  return MakeError("MALFORMED_REQUEST", "request: " + why, std::move(detail));
}

HttpResponse Refused(const absl::Status& status) {
  return ConnectErrorResponse(ToGrpcStatus(status));
}

HttpResponse NoSuchMethod(const std::string& name) {
  HttpResponse response = Refused(MakeError(
      "UNKNOWN_METHOD",
      fmt::format("{} has no unary method {}: /docs lists them, and streams are at /api/v1/stream",
                  kCorrelatorService, Excerpt(name))));
  response.status = 404;
  return response;
}

HttpResponse OtherMediaType(const std::string& type) {
  HttpResponse response = Refused(Malformed(
      fmt::format("Content-Type is {}, expected {} or {}", Excerpt(type), kJson, kProto)));
  response.status = 415;
  response.headers.emplace_back("Accept-Post", fmt::format("{}, {}", kJson, kProto));
  return response;
}

absl::StatusOr<Millis> TimeoutOf(const HttpRequest& request) {
  const std::string text = request.Header("connect-timeout-ms");
  if (text.empty()) return kRpcTimeout;
  uint64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (text.size() > kTimeoutDigitsMax || error != std::errc() || end != text.data() + text.size()) {
    return Malformed(fmt::format("Connect-Timeout-Ms is {}, expected up to {} digits",
                                 Excerpt(text), kTimeoutDigitsMax));
  }
  return std::min(Millis(ms), kRpcTimeout);
}

// Of an unknown field protobuf says "name: Cannot find field."; of others where it stands.
absl::Status MalformedJson(const std::string& why) {
  constexpr std::string_view kUnknownField = ": Cannot find field.";
  const size_t at = why.find(kUnknownField);
  if (at == std::string::npos) return Malformed(why);
  const size_t start = why.find_last_of(" :(", at - 1);
  std::string field = why.substr(start == std::string::npos ? 0 : start + 1,
                                 at - (start == std::string::npos ? 0 : start + 1));
  const std::string text = fmt::format("there is no field {}", Excerpt(field));
  return Malformed(text, {{std::move(field), "no such field"}});
}

absl::Status Parse(const std::string& body, bool is_json, Message* message) {
  if (body.empty()) return absl::OkStatus();
  if (!is_json) {
    if (message->ParseFromString(body)) return absl::OkStatus();
    return Malformed(fmt::format("is no serialised {}", message->GetTypeName()));
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status = google::protobuf::util::JsonStringToMessage(body, message, options);
  if (status.ok()) return absl::OkStatus();
  return MalformedJson(std::string(status.message().data(), status.message().size()));
}

HttpResponse Answer(const MethodDescriptor& method, const grpc::ByteBuffer& bytes, bool is_json) {
  HttpResponse response;
  response.content_type = is_json ? kJson : kProto;
  const auto message = NewMessage(method.output_type());
  if (!FromBytes(bytes, message.get())) {
    return Refused(absl::InternalError("the answer cannot be read"));
  }
  if (!is_json) {
    response.body = message->SerializeAsString();
    return response;
  }
  auto text = ToJson(*message);
  if (!text.ok()) return Refused(text.status());
  response.body = *std::move(text);
  return response;
}

}  // namespace

HttpResponse AnswerConnectCall(const RpcCalls& calls, const HttpRequest& request) {
  const std::string& name = request.path_parts.at(0);
  const auto* const method = CorrelatorServiceDescriptor().FindMethodByName(name);
  if (method == nullptr || method->client_streaming() || method->server_streaming()) {
    return NoSuchMethod(name);
  }
  const std::string type = MediaTypeOf(request.Header("content-type"));
  const bool is_json = type == kJson || (type.empty() && request.body.empty());
  if (!is_json && type != kProto) return OtherMediaType(type);
  if (const std::string version = request.Header("connect-protocol-version");
      !version.empty() && version != "1") {
    return Refused(
        Malformed(fmt::format("Connect-Protocol-Version is {}, expected 1", Excerpt(version))));
  }
  const auto timeout = TimeoutOf(request);
  if (!timeout.ok()) return Refused(timeout.status());
  if (*timeout == Millis(0))
    return Refused(MakeError("DEADLINE_EXCEEDED", "Connect-Timeout-Ms is 0: allow more time"));
  const auto message = NewMessage(method->input_type());
  if (const absl::Status parsed = Parse(request.body, is_json, message.get()); !parsed.ok()) {
    return Refused(parsed);
  }
  grpc::ByteBuffer answer;
  const grpc::Status status =
      RpcUnary(calls, request.admission, MethodPath(*method), ToBytes(*message), *timeout)
          .Wait(&answer);
  return status.ok() ? Answer(*method, answer, is_json) : ConnectErrorResponse(status);
}

}  // namespace alertjoin
