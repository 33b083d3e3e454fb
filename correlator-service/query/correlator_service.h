#pragma once

#include <prometheus/registry.h>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/time/clock.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/subscription.h"
#include "correlator-service/subscribe/subscription_hub.h"

namespace prometheus {
class Counter;
}

namespace alertjoin {

// alertjoin.v1.CorrelatorService over gRPC. Thread-safe. To stop: hub.Stop(), then the server's
// Shutdown with a deadline.
//
// Metrics: alertjoin_list_requests_total{code}, and those of the hub.
class CorrelatorServiceImpl final
    : public v1::CorrelatorService::WithRawCallbackMethod_SubscribeJoinedRows<
          v1::CorrelatorService::CallbackService> {
 public:
  // All must outlive the service, which must outlive its server.
  CorrelatorServiceImpl(RowStore& store, SubscriptionHub& hub, const Clock& clock,
                        prometheus::Registry& registry, SubscriptionOptions options = {});

  // As bytes, most of which many calls share (joined_rows_reactor.h).
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeJoinedRows(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListJoinedRows(grpc::CallbackServerContext* context,
                                           const v1::ListJoinedRowsRequest* request,
                                           v1::ListJoinedRowsResponse* response) override;

 private:
  RowStore& store_;
  SubscriptionHub& hub_;
  const Clock& clock_;
  const SubscriptionOptions options_;
  prometheus::Family<prometheus::Counter>& list_requests_total_;
};

}  // namespace alertjoin
