#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>

#include "absl/status/statusor.h"
#include "common/sync/worker_pool.h"
#include "correlator-service/query/still_wanted.h"

namespace alertjoin {

// Answers unary calls on threads of its own, so that none of gRPC's waits for a disk or for the
// writer. A call whose deadline has passed, or whose caller has gone, before its turn is not begun.
// Thread-safe.
class UnaryCalls {
 public:
  static constexpr size_t kThreads = 4;
  static constexpr size_t kWaitingMax = 256;

  UnaryCalls() : pool_("unary-calls", kThreads, kWaitingMax) {}

  // What gives the answer to a request, both as bytes.
  using Answer = std::function<absl::StatusOr<grpc::ByteBuffer>(const grpc::ByteBuffer& request)>;

  // Has `answer` called with the request and finishes the call with what it gives.
  // RESOURCE_EXHAUSTED, reason TOO_MANY_CALLS, when too many wait; DEADLINE_EXCEEDED; INTERNAL, and
  // a log record, when `answer` throws.
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  Answer answer);

  // Whether the caller waits and has time. Valid until the call is finished, as the context is.
  static StillWanted WantedBy(const grpc::CallbackServerContext& context);

  // Answers what waits, and refuses all later calls. Idempotent.
  void Stop() { pool_.Stop(); }

 private:
  WorkerPool pool_;
};

}  // namespace alertjoin
