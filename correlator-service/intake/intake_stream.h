#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "correlator-service/intake/intake_session.h"

namespace alertjoin {

// Carries one PushEvents call: requests to an IntakeSession and its answers back. Requests come as
// bytes: of a message that it cannot parse, gRPC says what it says of a producer that has ended.
// And on an arena of its own a request takes and leaves memory in few pieces. Back-pressure is not
// starting the next read. All operations of the call are started by one thread at a time, the
// one that pumps, without a lock held. Keeps itself alive until OnDone. Thread-safe.
class IntakeStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public std::enable_shared_from_this<IntakeStream> {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // What the stream is part of. All of it must outlive the call.
  struct Context {
    ProducerRegistry& registry;
    EventSink& sink;
    IntakeMetrics& metrics;
    const Clock& clock;
    std::string store_id;
    Millis heartbeat_interval;
    std::optional<Millis> sample_retention;
    // Asks for a Tick soon. Must not block.
    std::function<void()> poke;
    // Asked about once a second whether the stream may go on; what is not OK ends it. Must not
    // block. Empty: it may.
    std::function<absl::Status()> permit = {};
  };

  static std::shared_ptr<IntakeStream> Make(const Context& context);
  ~IntakeStream() override;

  // Starts the first read.
  void Start() { Pump(); }
  // Ends the call with the status, unless it is ending already.
  void End(const absl::Status& status) EXCLUDES_LOCK(mutex_);
  // Does what is due at `now` and gives the time when something will be.
  Steady Tick(Steady now) EXCLUDES_LOCK(mutex_);

  void OnReadDone(bool ok) override EXCLUDES_LOCK(mutex_);
  void OnWriteDone(bool ok) override EXCLUDES_LOCK(mutex_);
  void OnCancel() override;
  void OnDone() override;

 private:
  explicit IntakeStream(const Context& context);

  void Pump() EXCLUDES_LOCK(mutex_);
  // One round of the pumping thread.
  void Step() EXCLUDES_LOCK(mutex_);
  void PushAndRead() EXCLUDES_LOCK(mutex_);
  // Takes what was read.
  absl::Status OnRequest();
  void AnswerOrFinish() EXCLUDES_LOCK(mutex_);
  void FinishWith(const absl::Status& status);

  const Context context_;
  std::shared_ptr<IntakeStream> self_;
  std::optional<IntakeSession> session_;
  grpc::ByteBuffer request_;
  uint64_t requests_ = 0;  // Reading side only.
  grpc::ByteBuffer response_;

  Mutex mutex_;
  bool pumping_ GUARDED_BY(mutex_) = false;
  bool pump_again_ GUARDED_BY(mutex_) = false;
  bool reading_ GUARDED_BY(mutex_) = false;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool half_closed_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool was_told_ GUARDED_BY(mutex_) = false;  // The message before the end is written.
  // When what found the pipeline full is offered again; max: nothing waits.
  Steady push_retry_time_ GUARDED_BY(mutex_) = Steady::max();
  bool heartbeat_due_ GUARDED_BY(mutex_) = false;
  absl::Status end_ GUARDED_BY(mutex_);
  Steady hello_deadline_ GUARDED_BY(mutex_);
  Steady heartbeat_time_ GUARDED_BY(mutex_);
  Steady permit_time_ GUARDED_BY(mutex_) = Steady::min();  // When to ask again.
};

}  // namespace alertjoin
