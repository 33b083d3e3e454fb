#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// A call of CorrelatorService by the name of its method, so that a test can do the same to all of
// them. Of a method that streams, only the first message is taken. For one thread.
class NamedCall {
 public:
  // Begins the call. `request`: in protobuf's text format. Without `time` it may take a minute: a
  // test that waits for ever fails instead.
  NamedCall(grpc::GenericStub& stub, const std::string& method, const std::string& request,
            std::optional<Millis> time = {});
  // The same with the request as bytes, whatever they are.
  NamedCall(grpc::GenericStub& stub, const std::string& method, const grpc::ByteBuffer& request,
            std::optional<Millis> time = {});
  // Cancels, and waits for the end.
  ~NamedCall();
  NamedCall(const NamedCall&) = delete;
  NamedCall& operator=(const NamedCall&) = delete;

  void Cancel() { context_.TryCancel(); }
  bool HasEnded() const;
  // Waits for the end.
  const absl::Status& status();
  // The answer as proto3 JSON. REQUIRES: the status is OK.
  nlohmann::json Answer();

  // Names of all methods: those that do not stream, and those that do.
  static std::vector<std::string> Unary();
  static std::vector<std::string> Streaming();
  static const google::protobuf::MethodDescriptor& Method(const std::string& name);

 private:
  const google::protobuf::MethodDescriptor& method_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::future<absl::Status> ended_;
  std::optional<absl::Status> status_;
};

}  // namespace alertjoin
