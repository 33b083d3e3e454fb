#include "ingest-service/uplink/uplink_call.h"

#include <utility>

namespace alertjoin {
namespace {

constexpr char kMethod[] = "/alertjoin.v1.IngestService/PushEvents";

}  // namespace

void UplinkMailbox::PostAppended() {
  MutexLock lock(mutex_);
  // Under load most appends come before the last one has been seen: no need to wake anybody again.
  if (std::exchange(mail_.appended, true)) return;
  any_ = true;
  changed_.NotifyAll();
}

void UplinkMailbox::PostRead(bool ok) {
  MutexLock lock(mutex_);
  mail_.read = ok;
  any_ = true;
  changed_.NotifyAll();
}

void UplinkMailbox::PostWrite(bool ok) {
  MutexLock lock(mutex_);
  mail_.write = ok;
  any_ = true;
  changed_.NotifyAll();
}

void UplinkMailbox::PostDone(const grpc::Status& status) {
  MutexLock lock(mutex_);
  mail_.done = status;
  any_ = true;
  changed_.NotifyAll();
}

void UplinkMailbox::PostStop() {
  MutexLock lock(mutex_);
  stopping_ = any_ = true;
  changed_.NotifyAll();
}

UplinkMailbox::Mail UplinkMailbox::WaitBefore(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!any_) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  any_ = false;
  return std::exchange(mail_, Mail());
}

void UplinkMailbox::WaitForStopBefore(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
}

bool UplinkMailbox::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

UplinkCall::UplinkCall(const GrpcClient& client, std::shared_ptr<UplinkMailbox> mailbox)
    : mailbox_(std::move(mailbox)), stub_(client.channel) {
  if (!client.authorization.empty()) context_.AddMetadata("authorization", client.authorization);
  stub_.PrepareBidiStreamingCall(&context_, kMethod, grpc::StubOptions(), this);
  // Reads and writes are started outside of reactions: without it the call could be done between.
  AddHold();
  StartCall();
}

void UplinkCall::Write(std::string_view request) {
  const grpc::Slice slice(request.data(), request.size());
  request_ = grpc::ByteBuffer(&slice, 1);
  StartWrite(&request_);
}

void UplinkCall::OnReadDone(bool ok) { mailbox_->PostRead(ok); }

void UplinkCall::OnWriteDone(bool ok) { mailbox_->PostWrite(ok); }

void UplinkCall::OnDone(const grpc::Status& status) {
  // The owner may destroy the call, and drop its mailbox, as soon as this is posted.
  const std::shared_ptr<UplinkMailbox> mailbox = mailbox_;
  mailbox->PostDone(status);
}

}  // namespace alertjoin
