#include "correlator-service/subscribe/joined_rows_reactor.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/slice.h>

#include <string>
#include <utility>
#include <vector>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"
#include "correlator-service/subscribe/subscription_codec.h"

namespace alertjoin {
namespace {

using Base = grpc::ServerWriteReactor<grpc::ByteBuffer>;

absl::StatusOr<SubscribeRequest> Decode(const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer read = bytes;  // The same bytes; decoding empties the buffer.
  v1::SubscribeJoinedRowsRequest request;
  if (!grpc::SerializationTraits<v1::SubscribeJoinedRowsRequest>::Deserialize(&read, &request)
           .ok()) {
    return MakeError("MALFORMED_REQUEST",
                     "request: is no serialised alertjoin.v1.SubscribeJoinedRowsRequest");
  }
  return DecodeSubscribeRequest(request);
}

// Without a copy: the slice holds the piece.
grpc::Slice SliceOf(std::shared_ptr<const std::string> piece) {
  auto* const held = new std::shared_ptr<const std::string>(std::move(piece));
  const auto release = [](void* pointer) {
    delete static_cast<std::shared_ptr<const std::string>*>(pointer);
  };
  // What is sent is only read.
  return grpc::Slice(const_cast<char*>((*held)->data()), (*held)->size(), release, held);
}

}  // namespace

JoinedRowsReactor* JoinedRowsReactor::Start(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer& request, SubscriptionHub& hub,
                                            const RowStore& store, const Clock& clock,
                                            SubscriptionOptions options) {
  auto* const reactor = new JoinedRowsReactor(context);
  const auto refuse = [&](const absl::Status& status) {
    hub.CountEnd(status);
    reactor->Finish(status);
    return reactor;
  };
  auto decoded = Decode(request);
  if (!decoded.ok()) return refuse(decoded.status());
  auto cursor = SubscriptionCursor::Create(store, std::move(decoded->arguments), clock.Now(),
                                           MessageLimits(), &hub.selections());
  if (!cursor.ok()) return refuse(cursor.status());
  options.progress_interval = decoded->progress_interval;
  reactor->subscription_ =
      std::make_shared<Subscription>(hub, store, clock, *std::move(cursor), options, *reactor);
  reactor->subscription_->Start();
  return reactor;
}

void JoinedRowsReactor::OnWriteDone(bool ok) {
  // An idle subscriber holds no message.
  message_.Clear();
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
  std::vector<grpc::Slice> slices;
  for (auto& piece : SerialiseSubscriptionMessage(message)) {
    slices.push_back(SliceOf(std::move(piece)));
  }
  message_ = grpc::ByteBuffer(slices.data(), slices.size());
  StartWrite(&message_);
}

void JoinedRowsReactor::Finish(const absl::Status& status) { Base::Finish(ToGrpcStatus(status)); }

void JoinedRowsReactor::Abort() { context_->TryCancel(); }

}  // namespace alertjoin
