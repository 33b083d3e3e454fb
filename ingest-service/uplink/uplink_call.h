#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/net/grpc_channel.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// What the thread of the uplink waits for: the call's reactions, new events, the request to stop.
// Thread-safe.
class UplinkMailbox {
 public:
  struct Mail {
    bool appended = false;
    std::optional<bool> read;   // A read has ended, well or not.
    std::optional<bool> write;  // A write has ended, well or not.
    std::optional<grpc::Status> done;
  };

  void PostAppended() EXCLUDES_LOCK(mutex_);
  void PostRead(bool ok) EXCLUDES_LOCK(mutex_);
  void PostWrite(bool ok) EXCLUDES_LOCK(mutex_);
  void PostDone(const grpc::Status& status) EXCLUDES_LOCK(mutex_);
  // Wakes the reader, now and once only; `stopping` stays true.
  void PostStop() EXCLUDES_LOCK(mutex_);

  // Waits until there is mail, a stop was posted or the deadline has passed, and takes all.
  Mail WaitBefore(std::chrono::steady_clock::time_point deadline) EXCLUDES_LOCK(mutex_);
  // Waits until a stop was posted or the deadline has passed; mail stays.
  void WaitForStopBefore(std::chrono::steady_clock::time_point deadline) EXCLUDES_LOCK(mutex_);
  bool stopping() const EXCLUDES_LOCK(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  Mail mail_ GUARDED_BY(mutex_);
  bool any_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

// One PushEvents call on a connection of its own. Its reactions are posted to the mailbox; all
// other methods belong to one thread, which destroys the call only after `done` has been posted.
class UplinkCall final : public grpc::ClientBidiReactor<grpc::ByteBuffer, v1::PushEventsResponse> {
 public:
  // Begins to connect.
  UplinkCall(const GrpcClient& client, std::shared_ptr<UplinkMailbox> mailbox);

  // What the last successful read gave; valid until the next Read.
  const v1::PushEventsResponse& response() const { return response_; }

  // Sends a serialised v1::PushEventsRequest. REQUIRES: the last one has ended, and Release has not
  // been called; the same goes for reads.
  void Write(std::string_view request);
  void Read() { StartRead(&response_); }

  // Ends the call from this side.
  void Cancel() { context_.TryCancel(); }
  // No more reads and writes will be started: `done` comes when those in flight have ended. Once.
  void Release() { RemoveHold(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  const std::shared_ptr<UplinkMailbox> mailbox_;
  // Requests come serialised.
  grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::PushEventsResponse> stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  v1::PushEventsResponse response_;
};

}  // namespace alertjoin
