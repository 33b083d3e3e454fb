#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/subscribe/subscription.h"

namespace alertjoin {

// One Subscribe call of the service: carries a Subscription's messages over gRPC, as the bytes that
// they were serialised to, of which many calls share the most. It decides nothing by itself. Made
// with new; deletes itself in OnDone.
class SubscriptionReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                                  public SubscriptionOutput {
 public:
  // Starts the subscription, or ends the call with an error. All but the request must outlive the
  // call. `request` is a serialised v1::SubscribeJoinedRowsRequest, or v1::SubscribeAlertsRequest.
  // `options` without its progress interval, which the request gives.
  static SubscriptionReactor* StartRows(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer& request, SubscriptionHub& hub,
                                        const RowStore& store, const Clock& clock,
                                        SubscriptionOptions options);
  static SubscriptionReactor* StartAlerts(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer& request, SubscriptionHub& hub,
                                          const RowStore& store, const Clock& clock,
                                          SubscriptionOptions options);
  // The same for a v1::SubscribeSamplesRequest.
  static SubscriptionReactor* StartSamples(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer& request, SubscriptionHub& hub,
                                           const RowStore& store, SampleReaders& readers,
                                           const Clock& clock, SubscriptionOptions options);

  // Ends the call with the error.
  static SubscriptionReactor* Refuse(grpc::CallbackServerContext* context, SubscriptionHub& hub,
                                     const absl::Status& status);

 private:
  explicit SubscriptionReactor(grpc::CallbackServerContext* context) : context_(context) {}

  // `open` makes a cursor of the arguments of the request.
  template <typename Request, typename Open>
  static SubscriptionReactor* Start(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer& request, SubscriptionHub& hub,
                                    const Clock& clock, SubscriptionOptions options, Open open);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Write(const SubscriptionMessage& message) override;
  void Finish(const absl::Status& status) override;
  void Abort() override;

  grpc::CallbackServerContext* const context_;
  std::shared_ptr<Subscription> subscription_;  // Null when the request was refused.
  grpc::ByteBuffer message_;                    // Unchanged while a write is under way.
};

}  // namespace alertjoin
