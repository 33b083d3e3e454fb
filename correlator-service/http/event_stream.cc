#include "correlator-service/http/event_stream.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include <memory>
#include <set>

#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/error_reason.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/http/connect_error.h"
#include "correlator-service/http/messages.h"
#include "correlator-service/http/request_parameters.h"

namespace alertjoin {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr char kOneof[] = "message";
constexpr char kResumeToken[] = "resume_token";
// How often a stream without news looks whether its reader is still there.
constexpr Millis kLookInterval{1000};
// Asked for from browsers, which wait up to 5 s otherwise.
constexpr std::string_view kPrologue = "retry: 1000\n\n";
constexpr char kEventsType[] = "text/event-stream";

absl::StatusOr<std::unique_ptr<Message>> RequestOf(const MethodDescriptor& method, Timestamp now,
                                                   const HttpRequest& request) {
  auto message = NewMessage(method.input_type());
  std::set<std::string> seen;
  for (const auto& [name, value] : request.parameters) {
    if (!seen.insert(name).second) {
      return InvalidField("INVALID_PARAMETER", Excerpt(name), "given more than once");
    }
    RETURN_IF_ERROR(SetParameter(name, value, now, message.get()));
  }
  if (const std::string last = request.Header("last-event-id"); !last.empty()) {
    RETURN_IF_ERROR(SetParameter(kResumeToken, last, now, message.get()));
  }
  return message;
}

// The id of the event of an error: the token at which to go on, where the error has one. With an id
// that is empty a browser forgets its token, and begins anew.
std::string ErrorId(const grpc::Status& status) {
  if (const auto detail = DetailOf(FromGrpcStatus(status))) {
    for (const auto& [key, value] : detail->metadata) {
      if (key == kResumeToken) return fmt::format("id: {}\n", value);
    }
  }
  const bool token_is_bad = status.error_code() == grpc::StatusCode::OUT_OF_RANGE ||
                            status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
  return token_is_bad ? "id:\n" : "";
}

std::string ErrorEvent(const grpc::Status& status) {
  return fmt::format("{}event: error\ndata: {}\n\n", ErrorId(status), ConnectErrorJson(status));
}

// A refusal that will pass. A browser's EventSource never comes back from a status other than 200,
// so what accepts nothing but events is told by one, and asks again.
HttpResponse RefusedForNow(const HttpRequest& request, const grpc::Status& status) {
  if (request.Header("accept") != kEventsType) return ConnectErrorResponse(status);
  HttpResponse response;
  response.content_type = kEventsType;
  response.body = std::string(kPrologue) + ErrorEvent(status);
  return response;
}

// Carries one call's messages to one reader.
class EventStream {
 public:
  EventStream(const MethodDescriptor& method, HttpStream& reader)
      : reader_(reader), message_(NewMessage(method.output_type())) {}

  // Until one of both ends. False when the reader is gone.
  bool Run(RpcStream& call) {
    if (!reader_.Write(kPrologue)) return false;
    grpc::ByteBuffer bytes;
    for (;;) {
      switch (call.Read(kLookInterval, &bytes)) {
        case RpcStream::Next::kMessage:
          if (!Forward(bytes)) return false;
          break;
        case RpcStream::Next::kNothing:
          if (!reader_.WaitFor(Millis(0))) return false;
          break;
        case RpcStream::Next::kEnd:
          return reader_.Write(ErrorEvent(call.Finish()));
      }
    }
  }

 private:
  bool Forward(const grpc::ByteBuffer& bytes) {
    if (!FromBytes(bytes, message_.get())) return false;
    const auto event = FormatEvent(*message_);
    return event.ok() ? reader_.Write(*event)
                      : reader_.Write(ErrorEvent(ToGrpcStatus(event.status()))) && false;
  }

  HttpStream& reader_;
  const std::unique_ptr<Message> message_;
};

}  // namespace

absl::StatusOr<std::string> FormatEvent(const Message& message) {
  const auto* const type = message.GetDescriptor();
  const auto* const reflection = message.GetReflection();
  const auto* const oneof = type->FindOneofByName(kOneof);
  CHECK(oneof != nullptr && type->FindFieldByName(kResumeToken) != nullptr);
  const auto* const member = reflection->GetOneofFieldDescriptor(message, oneof);
  if (member == nullptr) return std::string();
  ASSIGN_OR_RETURN(const std::string data, ToJson(reflection->GetMessage(message, member)));
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n",
                     reflection->GetString(message, type->FindFieldByName(kResumeToken)),
                     member->name(), data);
}

HttpResponse StreamEvents(const RpcCalls& calls, Places& places, const MethodDescriptor& method,
                          const Clock& clock, const HttpRequest& request) {
  const auto message = RequestOf(method, clock.Now(), request);
  if (!message.ok()) return ConnectErrorResponse(ToGrpcStatus(message.status()));
  if (!calls.open()) return RefusedForNow(request, RpcCalls::NotServing());
  auto place = places.Take();
  if (place == nullptr) {
    return RefusedForNow(
        request, ToGrpcStatus(MakeError("TOO_MANY_STREAMS",
                                        fmt::format("{} streams are open over HTTP already, which "
                                                    "is the limit: end one, or try again later",
                                                    places.max()))));
  }
  HttpResponse response;
  response.content_type = kEventsType;
  // Proxies would keep events back otherwise.
  response.headers.emplace_back("X-Accel-Buffering", "no");
  response.stream = [&calls, caller = request.admission, place = std::move(place), &method,
                     bytes = ToBytes(**message)](HttpStream& reader) {
    RpcStream call(calls, caller, MethodPath(method), bytes);
    return EventStream(method, reader).Run(call);
  };
  return response;
}

}  // namespace alertjoin
