#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "common/text/matchers.h"
#include "common/time/clock.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "correlator-service/subscribe/subscription_hub.h"

namespace alertjoin {

// Where a subscription's messages go: a gRPC stream, an HTTP response. Calls never overlap, but for
// those said to. They must not block.
class SubscriptionOutput {
 public:
  virtual ~SubscriptionOutput() = default;
  // Starts to write; exactly one Subscription::OnWritten follows, on any thread, possibly before
  // this returns. At most one write is under way.
  virtual void Write(const SubscriptionMessage& message) = 0;
  // Ends the stream, once; after it nothing is written. A write that stalls may still be under way,
  // and its OnWritten may still come. Subscription::OnDone follows.
  virtual void Finish(const absl::Status& status) = 0;
  // The peer takes not even the end: cuts the stream off, so that OnDone comes. After Finish.
  virtual void Abort() = 0;
};

struct SubscriptionOptions {
  Millis progress_interval = std::chrono::seconds(5);
  Millis write_stall_max = std::chrono::seconds(30);
  // From Finish to Abort.
  Millis finish_stall_max = std::chrono::seconds(10);
  // Asked now and then whether the subscription may go on, on any thread; must not block. What is
  // not OK, to which it adds the detail, ends it. Empty: it may.
  std::function<absl::Status(const ErrorDetail& detail)> permit = {};
  Millis permit_interval = std::chrono::seconds(1);
  // What the subscriber may see (reader_scope.h); empty: everything.
  Matchers scope = {};
};

// One subscription: moves messages from a cursor to an output, one at a time. It holds no message
// while a write is under way; a slow peer is a cursor that stands still. Thread-safe. Held by
// shared_ptr: the hub's threads and the output's take turns, each holding it during a call.
//
// Life: Start; OnWritten after each write; OnCancelled at any time; OnDone once, last. The output
// must live until OnDone returns and is not called after that.
class Subscription final : public Subscriber, public std::enable_shared_from_this<Subscription> {
 public:
  // The hub and the clock must outlive it. News of the source must raise the hub's signal.
  Subscription(SubscriptionHub& hub, const Clock& clock, std::unique_ptr<SubscriptionSource> source,
               SubscriptionOptions options, SubscriptionOutput& output);
  // From a cursor.
  template <typename Stream>
  Subscription(SubscriptionHub& hub, const Clock& clock, StreamCursor<Stream> cursor,
               SubscriptionOptions options, SubscriptionOutput& output)
      : Subscription(hub, clock, std::make_unique<StreamCursor<Stream>>(std::move(cursor)), options,
                     output) {}

  // Joins the hub and writes the first message; or finishes with the hub's refusal and the token of
  // where it would have started. Call it once.
  void Start();
  // The write is over; `ok` is false when the peer is gone.
  void OnWritten(bool ok) EXCLUDES_LOCK(mutex_);
  // The peer is gone: frees what can be freed at once.
  void OnCancelled();
  // The stream is over. Leaves the hub.
  void OnDone() EXCLUDES_LOCK(mutex_) EXCLUDES_LOCK(output_mutex_);

  Clock::Steady Poll(Clock::Steady now) override EXCLUDES_LOCK(mutex_) EXCLUDES_LOCK(output_mutex_);
  // As soon as nothing is being written; the status gets the token of the last message as metadata
  // "resume_token", if it has a reason.
  void End(const absl::Status& status) override EXCLUDES_LOCK(mutex_);
  SubscriberPlace Place() const override { return {stream_, delivered_.load(), source_->Newest()}; }

 private:
  enum class State {
    kBusy,     // One thread makes the next message, or its search waits for a turn.
    kWriting,  // A write is under way.
    kIdle,     // Everything was sent; whoever finds news becomes busy.
    kEnding,   // Finish was called.
    kDone,     // OnDone was called.
  };
  // What a thread that looked at the state has to do without the lock.
  enum class Task { kNothing, kPump, kFinish, kAbort };

  // REQUIRES: the state is kBusy, and this thread made it so or was given the search. Makes
  // messages until one is under way, there is none, or a search is given to the hub to go on.
  void Pump(bool progress_due) EXCLUDES_LOCK(mutex_);
  // The same, for a search that goes on.
  void GoOn() EXCLUDES_LOCK(mutex_);
  // What follows from the step; false when the pump must go on.
  bool Act(absl::StatusOr<SubscriptionStep> step) EXCLUDES_LOCK(mutex_);
  void Write(const SubscriptionMessage& message) EXCLUDES_LOCK(mutex_);
  // False when there is news, and this thread is busy with it.
  bool StayIdle() EXCLUDES_LOCK(mutex_);
  void Finish(const absl::Status& status);
  void Abort() EXCLUDES_LOCK(output_mutex_);

  bool ProgressDueLocked(Clock::Steady now) const REQUIRES_LOCK(mutex_) {
    return now >= last_message_ + options_.progress_interval;
  }
  Task PollLocked(Clock::Steady now, Clock::Steady& next, absl::Status& end) REQUIRES_LOCK(mutex_);
  void EnterEndingLocked() REQUIRES_LOCK(mutex_);
  // What ends the subscription for want of permission, when it is time to ask. REQUIRES: the source
  // may be asked for its token.
  absl::Status CheckPermitLocked() REQUIRES_LOCK(mutex_);

  // Everything that the source gave has been taken. For whom it belongs to.
  void MarkDelivered() { delivered_ = source_->Position(); }
  StageMetrics& stage() { return hub_.fan_out(stream_); }

  // Constant after construction.
  SubscriptionHub& hub_;
  const Clock& clock_;
  const SubscriptionOptions options_;
  SubscriptionOutput& output_;
  const StreamKind stream_;

  // Of the thread that is busy; while nobody is, of the one that holds the mutex.
  const std::unique_ptr<SubscriptionSource> source_;
  // Of the source, when everything that it gave had been taken. Read without a lock.
  std::atomic<uint64_t> delivered_;

  Mutex mutex_;
  State state_ GUARDED_BY(mutex_) = State::kBusy;
  absl::Status pending_end_ GUARDED_BY(mutex_);        // Not OK: end as soon as not busy.
  uint64_t writes_ GUARDED_BY(mutex_) = 0;             // Begun so far.
  bool write_handed_over_ GUARDED_BY(mutex_) = false;  // In kWriting: Write has returned.
  Clock::Steady last_message_ GUARDED_BY(mutex_);      // When the last write began.
  Clock::Steady abort_at_ GUARDED_BY(mutex_);          // In kEnding.
  Clock::Steady permit_at_ GUARDED_BY(mutex_);         // When to ask again.

  Mutex output_mutex_;  // Keeps OnDone from returning during an Abort. Taken alone.
  bool output_gone_ GUARDED_BY(output_mutex_) = false;
};

}  // namespace alertjoin
