#include "correlator-service/query/unary_calls.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <chrono>

#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"

namespace alertjoin {
namespace {

const prometheus::Histogram::BucketBoundaries kDurationBuckets = {0.0005, 0.001, 0.005, 0.01, 0.05,
                                                                  0.1,    0.5,   1,     5,    10};

absl::Status TooMany() {
  return MakeError("TOO_MANY_CALLS", "too many calls at once: ask again later");
}

absl::Status TooLate() {
  return MakeError("DEADLINE_EXCEEDED",
                   "the call's deadline passed before its turn: allow "
                   "more time, or ask for less");
}

}  // namespace

UnaryCalls::UnaryCalls(prometheus::Registry& registry)
    : requests_total_(prometheus::BuildCounter()
                          .Name("alertjoin_grpc_requests_total")
                          .Help("Unary gRPC calls that were answered, by method and status code.")
                          .Register(registry)),
      duration_seconds_(prometheus::BuildHistogram()
                            .Name("alertjoin_grpc_request_duration_seconds")
                            .Help("Time from the arrival of a unary gRPC call to its answer.")
                            .Register(registry)),
      pool_(kThreads, kWaitingMax) {}

grpc::ServerUnaryReactor* UnaryCalls::Start(grpc::CallbackServerContext* context,
                                            const std::string& method,
                                            std::function<absl::Status()> answer) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto arrived = std::chrono::steady_clock::now();
  const auto finish = [this, reactor, method, arrived](const absl::Status& status) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - arrived;
    requests_total_.Add({{"method", method}, {"code", absl::StatusCodeToString(status.code())}})
        .Increment();
    duration_seconds_.Add({{"method", method}}, kDurationBuckets).Observe(elapsed.count());
    reactor->Finish(status.ok() ? grpc::Status::OK : ToGrpcStatus(status));
  };
  const bool taken = pool_.TrySubmit([context, finish, answer = std::move(answer)] {
    if (context->IsCancelled()) return finish(absl::CancelledError("the caller has gone"));
    if (std::chrono::system_clock::now() > context->deadline()) return finish(TooLate());
    finish(answer());
  });
  if (!taken) finish(TooMany());
  return reactor;
}

}  // namespace alertjoin
