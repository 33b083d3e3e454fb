#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <prometheus/registry.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/sync/worker_pool.h"

namespace prometheus {
class Counter;
class Histogram;
}  // namespace prometheus

namespace alertjoin {

// Answers unary calls on threads of its own, so that none of gRPC's waits for a disk or for the
// writer. Each call is counted and timed here. A call whose deadline has passed, or whose caller
// has gone, before its turn is not begun. Thread-safe.
//
// Metrics: alertjoin_grpc_requests_total{method,code},
// alertjoin_grpc_request_duration_seconds{method}.
class UnaryCalls {
 public:
  static constexpr size_t kThreads = 4;
  static constexpr size_t kWaitingMax = 256;

  // The registry must outlive it.
  explicit UnaryCalls(prometheus::Registry& registry);

  // Has `answer` called with the request and finishes the call with what it gives.
  // RESOURCE_EXHAUSTED, reason TOO_MANY_CALLS, when too many wait; DEADLINE_EXCEEDED.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context, const std::string& method,
                                  const Request* request, Response* response,
                                  std::function<absl::StatusOr<Response>(const Request&)> answer) {
    return Start(context, method, [request, response, answer = std::move(answer)] {
      absl::StatusOr<Response> answered = answer(*request);
      if (answered.ok()) *response = *std::move(answered);
      return answered.status();
    });
  }

  // Answers what waits, and refuses all later calls. Idempotent.
  void Stop() { pool_.Stop(); }

 private:
  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const std::string& method,
                                  std::function<absl::Status()> answer);

  prometheus::Family<prometheus::Counter>& requests_total_;
  prometheus::Family<prometheus::Histogram>& duration_seconds_;
  WorkerPool pool_;
};

}  // namespace alertjoin
