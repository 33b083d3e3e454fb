#include "correlator-service/subscribe/subscription_reactor.h"

#include <grpcpp/support/slice.h>

#include <utility>
#include <vector>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/status.h"
#include "correlator-service/subscribe/sample_cursor.h"
#include "correlator-service/subscribe/sample_stream_codec.h"
#include "correlator-service/subscribe/subscription_codec.h"

namespace alertjoin {
namespace {

using Base = grpc::ServerWriteReactor<grpc::ByteBuffer>;

template <typename Request>
auto Decode(const grpc::ByteBuffer& bytes) -> decltype(DecodeSubscribeRequest(Request())) {
  Request request;
  RETURN_IF_ERROR(ParseRequest(bytes, &request));
  return DecodeSubscribeRequest(request);
}

// Where the arguments say what the subscriber may see.
template <typename Stream>
Matchers& ScopeOf(StreamArguments<Stream>& arguments) {
  return arguments.filter.scope;
}
Matchers& ScopeOf(SampleArguments& arguments) { return arguments.series.scope; }

// Makes a cursor of the stream that the cache is of.
template <typename Stream>
auto OpenIn(const RowStore& store, const Clock& clock, StreamSelectionCache<Stream>& cache) {
  return [&](StreamArguments<Stream> arguments) {
    return StreamCursor<Stream>::Create(store, std::move(arguments), clock.Now(), MessageLimits(),
                                        &cache);
  };
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

template <typename Request, typename Open>
SubscriptionReactor* SubscriptionReactor::Start(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer& request,
                                                SubscriptionHub& hub, const Clock& clock,
                                                SubscriptionOptions options, Open open) {
  auto* const reactor = new SubscriptionReactor(context);
  const auto refuse = [&](const absl::Status& status) {
    hub.CountEnd(status);
    reactor->Finish(status);
    return reactor;
  };
  auto decoded = Decode<Request>(request);
  if (!decoded.ok()) return refuse(decoded.status());
  ScopeOf(decoded->arguments) = options.scope;
  auto cursor = open(std::move(decoded->arguments));
  if (!cursor.ok()) return refuse(cursor.status());
  options.progress_interval = decoded->progress_interval;
  auto source = std::make_unique<typename decltype(cursor)::value_type>(*std::move(cursor));
  reactor->subscription_ =
      std::make_shared<Subscription>(hub, clock, std::move(source), std::move(options), *reactor);
  reactor->subscription_->Start();
  return reactor;
}

SubscriptionReactor* SubscriptionReactor::Refuse(grpc::CallbackServerContext* context,
                                                 SubscriptionHub& hub, const absl::Status& status) {
  auto* const reactor = new SubscriptionReactor(context);
  hub.CountEnd(status);
  reactor->Finish(status);
  return reactor;
}

SubscriptionReactor* SubscriptionReactor::StartRows(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer& request,
                                                    SubscriptionHub& hub, const RowStore& store,
                                                    const Clock& clock,
                                                    SubscriptionOptions options) {
  return Start<v1::SubscribeJoinedRowsRequest>(context, request, hub, clock, options,
                                               OpenIn(store, clock, hub.selections()));
}

SubscriptionReactor* SubscriptionReactor::StartAlerts(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer& request,
                                                      SubscriptionHub& hub, const RowStore& store,
                                                      const Clock& clock,
                                                      SubscriptionOptions options) {
  return Start<v1::SubscribeAlertsRequest>(context, request, hub, clock, options,
                                           OpenIn(store, clock, hub.alert_selections()));
}

SubscriptionReactor* SubscriptionReactor::StartSamples(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer& request,
                                                       SubscriptionHub& hub, const RowStore& store,
                                                       SampleReaders& readers, const Clock& clock,
                                                       SubscriptionOptions options) {
  return Start<v1::SubscribeSamplesRequest>(
      context, request, hub, clock, options, [&](SampleArguments arguments) {
        return SampleCursor::Create(store, readers, std::move(arguments), clock.Now());
      });
}

void SubscriptionReactor::OnWriteDone(bool ok) {
  // An idle subscriber holds no message.
  message_.Clear();
  subscription_->OnWritten(ok);
}

void SubscriptionReactor::OnCancel() {
  if (subscription_ != nullptr) subscription_->OnCancelled();
}

void SubscriptionReactor::OnDone() {
  if (subscription_ != nullptr) subscription_->OnDone();
  delete this;
}

void SubscriptionReactor::Write(const SubscriptionMessage& message) {
  std::vector<grpc::Slice> slices;
  for (auto& piece : SerialiseSubscriptionMessage(message)) {
    slices.push_back(SliceOf(std::move(piece)));
  }
  message_ = grpc::ByteBuffer(slices.data(), slices.size());
  StartWrite(&message_);
}

void SubscriptionReactor::Finish(const absl::Status& status) { Base::Finish(ToGrpcStatus(status)); }

void SubscriptionReactor::Abort() { context_->TryCancel(); }

}  // namespace alertjoin
