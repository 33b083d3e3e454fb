#include "correlator-service/query/correlator_service.h"

#include <prometheus/counter.h>

#include "common/net/grpc_status.h"
#include "common/status/status.h"
#include "correlator-service/query/list_joined_rows.h"
#include "correlator-service/subscribe/joined_rows_reactor.h"

namespace alertjoin {

CorrelatorServiceImpl::CorrelatorServiceImpl(RowStore& store, SubscriptionHub& hub,
                                             const Clock& clock, prometheus::Registry& registry,
                                             SubscriptionOptions options)
    : store_(store),
      hub_(hub),
      clock_(clock),
      options_(options),
      list_requests_total_(prometheus::BuildCounter()
                               .Name("alertjoin_list_requests_total")
                               .Help("ListJoinedRows calls by status code.")
                               .Register(registry)) {}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeJoinedRows(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return JoinedRowsReactor::Start(context, *request, hub_, store_, clock_, options_);
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListJoinedRows(
    grpc::CallbackServerContext* context, const v1::ListJoinedRowsRequest* request,
    v1::ListJoinedRowsResponse* response) {
  auto listed = alertjoin::ListJoinedRows(store_, *request);
  list_requests_total_.Add({{"code", absl::StatusCodeToString(listed.status().code())}})
      .Increment();
  auto* const reactor = context->DefaultReactor();
  if (listed.ok()) {
    *response = *std::move(listed);
    reactor->Finish(grpc::Status::OK);
  } else {
    reactor->Finish(ToGrpcStatus(listed.status()));
  }
  return reactor;
}

}  // namespace alertjoin
