#include "correlator-service/subscribe/joined_rows_reactor.h"

#include "common/net/grpc_status.h"
#include "correlator-service/subscribe/subscription_codec.h"

namespace alertjoin {
namespace {

using Base = grpc::ServerWriteReactor<v1::SubscribeJoinedRowsResponse>;

}  // namespace

JoinedRowsReactor* JoinedRowsReactor::Start(grpc::CallbackServerContext* context,
                                            const v1::SubscribeJoinedRowsRequest& request,
                                            SubscriptionHub& hub, const RowStore& store,
                                            const Clock& clock, SubscriptionOptions options) {
  auto* const reactor = new JoinedRowsReactor(context);
  const auto refuse = [&](const absl::Status& status) {
    hub.CountEnd(status);
    reactor->Finish(status);
    return reactor;
  };
  auto decoded = DecodeSubscribeRequest(request);
  if (!decoded.ok()) return refuse(decoded.status());
  auto cursor = SubscriptionCursor::Create(store, std::move(decoded->arguments), clock.Now());
  if (!cursor.ok()) return refuse(cursor.status());
  options.progress_interval = decoded->progress_interval;
  reactor->subscription_ =
      std::make_shared<Subscription>(hub, store, clock, *std::move(cursor), options, *reactor);
  reactor->subscription_->Start();
  return reactor;
}

void JoinedRowsReactor::OnWriteDone(bool ok) {
  // An idle subscriber holds no message.
  response_ = v1::SubscribeJoinedRowsResponse();
  subscription_->OnWritten(ok);
}

void JoinedRowsReactor::OnCancel() {
  if (subscription_ != nullptr) subscription_->OnCancelled();
}

void JoinedRowsReactor::OnDone() {
  if (subscription_ != nullptr) subscription_->OnDone();
  delete this;
}

void JoinedRowsReactor::Write(const SubscriptionMessage& message) {
  EncodeSubscriptionMessage(message, &response_);
  StartWrite(&response_);
}

void JoinedRowsReactor::Finish(const absl::Status& status) { Base::Finish(ToGrpcStatus(status)); }

void JoinedRowsReactor::Abort() { context_->TryCancel(); }

}  // namespace alertjoin
