#pragma once

#include <memory>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/net/grpc_callers.h"
#include "common/net/message_bytes.h"
#include "common/time/clock.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/query/unary_calls.h"
#include "correlator-service/query/wanted_tables.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/subscription.h"
#include "correlator-service/subscribe/subscription_hub.h"

namespace alertjoin {

// alertjoin.v1.CorrelatorService over gRPC. Thread-safe. To stop: hub.Stop(), then the server's
// Shutdown with a deadline, then the writer that `tables` are of.
class CorrelatorServiceImpl final
    : public WithRawMethods<v1::CorrelatorService::Service,
                            v1::CorrelatorService::WithRawCallbackMethod_SubscribeJoinedRows,
                            v1::CorrelatorService::WithRawCallbackMethod_ListJoinedRows,
                            v1::CorrelatorService::WithRawCallbackMethod_SubscribeAlerts,
                            v1::CorrelatorService::WithRawCallbackMethod_ListAlerts,
                            v1::CorrelatorService::WithRawCallbackMethod_SummarizeAlerts,
                            v1::CorrelatorService::WithRawCallbackMethod_SubscribeSamples,
                            v1::CorrelatorService::WithRawCallbackMethod_ListSamples,
                            v1::CorrelatorService::WithRawCallbackMethod_ListSeries,
                            v1::CorrelatorService::WithRawCallbackMethod_ListQueries,
                            v1::CorrelatorService::WithRawCallbackMethod_ListSources,
                            v1::CorrelatorService::WithRawCallbackMethod_LookUpAsOf,
                            v1::CorrelatorService::WithRawCallbackMethod_GetAlertContext,
                            v1::CorrelatorService::WithRawCallbackMethod_SummarizeSamples> {
 public:
  // All must outlive the service, which must outlive its server. `callers`: who calls, and may go
  // on; null: everyone may.
  CorrelatorServiceImpl(RowStore& store, TableAccess& tables, SampleReaders& samples,
                        SubscriptionHub& hub, const Clock& clock, SubscriptionOptions options = {},
                        GrpcCallers* callers = nullptr);

  // All take and give bytes (message_bytes.h). Those of subscriptions are shared by many calls, for
  // the most part (subscription_reactor.h); the others are parsed and made by the threads that
  // answer, and not at all for who may not call.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeJoinedRows(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeAlerts(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscribeSamples(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListJoinedRows(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListAlerts(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SummarizeAlerts(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSamples(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSeries(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListQueries(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSources(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* LookUpAsOf(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetAlertContext(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SummarizeSamples(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  absl::StatusOr<SharedAdmission> Admit(const grpc::CallbackServerContext& context,
                                        const std::string& method);
  // The tables as long as the caller waits and has time. Valid until the call is finished; shared,
  // as a function that is copied holds it.
  std::shared_ptr<WantedTables> TablesFor(const grpc::CallbackServerContext& context);
  // Answers a unary call by `answer`, if the caller may make it.
  template <typename Request, typename Answer>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context, const std::string& method,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Answer answer);
  // Starts a subscription by `start`, which is given its options, if the caller may make it; it
  // ends when he no longer may.
  template <typename Start>
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context,
                                                        const std::string& method, Start start);

  RowStore& store_;
  TableAccess& tables_;
  SampleReaders& samples_;
  SubscriptionHub& hub_;
  const Clock& clock_;
  const SubscriptionOptions options_;
  GrpcCallers* const callers_;
  UnaryCalls calls_;
};

}  // namespace alertjoin
