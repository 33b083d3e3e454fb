#include "common/net/grpc_health.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <chrono>
#include <future>

#include "common/status/status.h"
#include "grpc/health/v1/health.pb.h"

namespace alertjoin {

absl::Status AskGrpcHealth(const std::string& address, const GrpcClientOptions& client,
                           Millis timeout) {
  using grpc::health::v1::HealthCheckRequest;
  using grpc::health::v1::HealthCheckResponse;
  ASSIGN_OR_RETURN(const GrpcClient connected, ConnectGrpc(address, client));
  grpc::TemplatedGenericStub<HealthCheckRequest, HealthCheckResponse> stub(connected.channel);
  grpc::ClientContext context;
  if (!connected.authorization.empty()) {
    context.AddMetadata("authorization", connected.authorization);
  }
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  HealthCheckRequest request;
  HealthCheckResponse response;
  std::promise<grpc::Status> answered;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&answered](grpc::Status status) { answered.set_value(std::move(status)); });
  const grpc::Status status = answered.get_future().get();
  if (!status.ok()) {
    return absl::UnavailableError(fmt::format("{} (gRPC status {})", status.error_message(),
                                              static_cast<int>(status.error_code())));
  }
  if (response.status() == HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError(fmt::format(
      "it says that it is {}", HealthCheckResponse::ServingStatus_Name(response.status())));
}

}  // namespace alertjoin
