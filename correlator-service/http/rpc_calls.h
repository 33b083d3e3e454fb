#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "common/net/grpc_callers.h"
#include "common/sync/mutex.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// The gRPC service of this process as HTTP reaches it: over a channel in memory, call by call as
// any other client. So each method, whoever adds it, is there for HTTP at once, with the same
// limits, turns, deadlines, errors and metrics, and none is done in two ways. Thread-safe.
class RpcCalls {
 public:
  // `callers`, of the service's, must outlive it; null: it knows none, and whoever was admitted by
  // name is refused.
  explicit RpcCalls(GrpcCallers* callers = nullptr) : callers_(callers) {}

  // From now on calls are made over the channel. Before, and after Close, they are refused with
  // UNAVAILABLE, reason NOT_SERVING. Once Close has returned no call begins; it must be called
  // before the server is shut down (see MakeInProcessChannel).
  void Open(std::shared_ptr<grpc::Channel> channel) EXCLUDES_LOCK(mutex_);
  void Close() EXCLUDES_LOCK(mutex_) { Open(nullptr); }
  bool open() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return channel_ != nullptr;
  }
  // Waits until the calls that have begun have ended, at most for `wait`. False: some have not. For
  // between Close and the server's Shutdown, at which a channel in memory breaks off its calls at
  // once (gRPC 1.51, inproc_transport.cc: a goaway closes it): one that the service has ended, but
  // whose end nobody has read yet, would lose its status.
  bool Drain(Millis wait) EXCLUDES_LOCK(mutex_);
  static grpc::Status NotServing();

  // Makes the call one of the caller's. False: it cannot be made.
  bool Identify(const SharedAdmission& caller, grpc::ClientContext* context,
                GrpcCallers::Pass* pass) const;
  // The begin of a call: null when calls are refused. When it has ended, NoteEnd.
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> BeginUnary(
      const std::string& method, const grpc::ByteBuffer& request, grpc::ClientContext* context,
      grpc::CompletionQueue* queue) const EXCLUDES_LOCK(mutex_);
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> BeginStream(
      const std::string& method, grpc::ClientContext* context, grpc::CompletionQueue* queue) const
      EXCLUDES_LOCK(mutex_);
  void NoteEnd() const EXCLUDES_LOCK(mutex_);

 private:
  GrpcCallers* const callers_;
  mutable Mutex mutex_;  // Held while a call begins, which takes no more than memory.
  std::shared_ptr<grpc::Channel> channel_ GUARDED_BY(mutex_);
  mutable size_t under_way_ GUARDED_BY(mutex_) = 0;
  mutable CondVar ended_;
};

// One call of a unary method, under way while it exists. Used by one thread. `calls` must outlive
// it.
class RpcUnary {
 public:
  // Starts the call of "/package.Service/Method" with a serialised message, as one of `caller`,
  // who may see and do no more by it than over gRPC. It ends with DEADLINE_EXCEEDED after
  // `timeout`.
  RpcUnary(const RpcCalls& calls, const SharedAdmission& caller, const std::string& method,
           const grpc::ByteBuffer& request, Millis timeout);
  ~RpcUnary();  // Cancels what has not ended.
  RpcUnary(const RpcUnary&) = delete;
  RpcUnary& operator=(const RpcUnary&) = delete;

  // Waits for the answer. Once.
  grpc::Status Wait(grpc::ByteBuffer* response);

 private:
  const RpcCalls& calls_;
  GrpcCallers::Pass pass_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;  // Null: refused.
  grpc::ByteBuffer response_;
  grpc::Status status_;
  bool finished_ = false;
};

// One call of a method that streams its answers. While nothing is asked for, the service waits, as
// it does for any slow reader. Used by one thread. `calls` must outlive it.
class RpcStream {
 public:
  // Starts the call, as RpcUnary does.
  RpcStream(const RpcCalls& calls, const SharedAdmission& caller, const std::string& method,
            const grpc::ByteBuffer& request);
  ~RpcStream();  // Cancels what has not ended.
  RpcStream(const RpcStream&) = delete;
  RpcStream& operator=(const RpcStream&) = delete;

  enum class Next {
    kMessage,  // `message` is there.
    kNothing,  // None came in time.
    kEnd,      // There will be none: call Finish.
  };
  // Waits for the next message, at most for `wait`.
  Next Read(Millis wait, grpc::ByteBuffer* message);
  // How the call ended. REQUIRES: Read gave kEnd; once.
  grpc::Status Finish();

 private:
  // The one operation under way has ended; false when it failed.
  bool Await();

  const RpcCalls& calls_;
  GrpcCallers::Pass pass_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;  // Null: refused.
  grpc::ByteBuffer message_;
  bool reading_ = false;
  bool finished_ = false;
};

}  // namespace alertjoin
