#include "ingest-service/uplink/ask_to_push.h"

#include <chrono>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/net/grpc_status.h"
#include "common/status/status.h"

namespace alertjoin {

absl::Status AskToPush(const std::string& address, const GrpcClientOptions& client,
                       Millis timeout) {
  ASSIGN_OR_RETURN(const GrpcClient connected, ConnectGrpc(address, client));
  const auto stub = v1::IngestService::NewStub(connected.channel);
  grpc::ClientContext context;
  if (!connected.authorization.empty()) {
    context.AddMetadata("authorization", connected.authorization);
  }
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  const auto call = stub->PushEvents(&context);
  call->WritesDone();
  return FromGrpcStatus(call->Finish());
}

}  // namespace alertjoin
