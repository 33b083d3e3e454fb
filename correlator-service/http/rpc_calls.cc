#include "correlator-service/http/rpc_calls.h"

#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"

namespace alertjoin {

void RpcCalls::Open(std::shared_ptr<grpc::Channel> channel) {
  MutexLock lock(mutex_);
  channel_ = std::move(channel);
}

grpc::Status RpcCalls::NotServing() {
  return ToGrpcStatus(MakeError("NOT_SERVING",
                                "the correlator is starting or stopping: /-/ready tells how far it "
                                "is; ask again soon"));
}

bool RpcCalls::Identify(const SharedAdmission& caller, grpc::ClientContext* context,
                        GrpcCallers::Pass* pass) const {
  if (callers_ == nullptr) return caller == nullptr;
  *pass = GrpcCallers::Pass(*callers_, caller);
  context->AddMetadata(GrpcCallers::kPassKey, pass->text());
  return true;
}

std::unique_ptr<grpc::GenericClientAsyncResponseReader> RpcCalls::BeginUnary(
    const std::string& method, const grpc::ByteBuffer& request, grpc::ClientContext* context,
    grpc::CompletionQueue* queue) const {
  MutexLock lock(mutex_);
  if (channel_ == nullptr) return nullptr;
  ++under_way_;
  return grpc::GenericStub(channel_).PrepareUnaryCall(context, method, request, queue);
}

std::unique_ptr<grpc::GenericClientAsyncReaderWriter> RpcCalls::BeginStream(
    const std::string& method, grpc::ClientContext* context, grpc::CompletionQueue* queue) const {
  MutexLock lock(mutex_);
  if (channel_ == nullptr) return nullptr;
  ++under_way_;
  return grpc::GenericStub(channel_).PrepareCall(context, method, queue);
}

void RpcCalls::NoteEnd() const {
  MutexLock lock(mutex_);
  if (--under_way_ == 0) ended_.NotifyAll();
}

bool RpcCalls::Drain(Millis wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  MutexLock lock(mutex_);
  while (under_way_ > 0) {
    if (!ended_.WaitUntil(mutex_, deadline)) return under_way_ == 0;
  }
  return true;
}

RpcUnary::RpcUnary(const RpcCalls& calls, const SharedAdmission& caller, const std::string& method,
                   const grpc::ByteBuffer& request, Millis timeout)
    : calls_(calls) {
  if (!calls.Identify(caller, &context_, &pass_)) return;
  context_.set_deadline(std::chrono::system_clock::now() + timeout);
  call_ = calls.BeginUnary(method, request, &context_, &queue_);
  if (call_ == nullptr) return;
  call_->StartCall();
  call_->Finish(&response_, &status_, this);
}

RpcUnary::~RpcUnary() {
  if (!finished_ && call_ != nullptr) {
    context_.TryCancel();
    grpc::ByteBuffer unused;
    Wait(&unused);
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

grpc::Status RpcUnary::Wait(grpc::ByteBuffer* response) {
  if (call_ == nullptr) return RpcCalls::NotServing();
  void* tag = nullptr;
  bool ok = false;
  queue_.Next(&tag, &ok);
  finished_ = true;
  calls_.NoteEnd();
  response->Swap(&response_);
  return status_;
}

RpcStream::RpcStream(const RpcCalls& calls, const SharedAdmission& caller,
                     const std::string& method, const grpc::ByteBuffer& request)
    : calls_(calls) {
  if (!calls.Identify(caller, &context_, &pass_)) return;
  call_ = calls.BeginStream(method, &context_, &queue_);
  if (call_ == nullptr) return;
  call_->StartCall(this);
  // Where one fails the call has ended; Read and Finish tell.
  Await();
  call_->WriteLast(request, grpc::WriteOptions(), this);
  Await();
}

RpcStream::~RpcStream() {
  if (!finished_ && call_ != nullptr) {
    context_.TryCancel();
    if (reading_) Await();
    Finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RpcStream::Await() {
  void* tag = nullptr;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

RpcStream::Next RpcStream::Read(Millis wait, grpc::ByteBuffer* message) {
  if (call_ == nullptr) return Next::kEnd;
  if (!reading_) call_->Read(&message_, this);
  reading_ = true;
  void* tag = nullptr;
  bool ok = false;
  const auto deadline = std::chrono::system_clock::now() + wait;
  if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
    return Next::kNothing;
  }
  reading_ = false;
  if (!ok) return Next::kEnd;
  message->Swap(&message_);
  return Next::kMessage;
}

grpc::Status RpcStream::Finish() {
  if (call_ == nullptr) return RpcCalls::NotServing();
  grpc::Status status;
  call_->Finish(&status, this);
  Await();
  finished_ = true;
  calls_.NoteEnd();
  return status;
}

}  // namespace alertjoin
