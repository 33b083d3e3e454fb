#include "correlator-service/subscribe/subscription.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/error_metadata.h"
#include "common/status/error_reason.h"

namespace alertjoin {
namespace {

absl::Status Stalled(Millis limit, const std::string& resume_token) {
  return MakeError("SUBSCRIBER_TOO_SLOW",
                   fmt::format("subscription: no message was taken for {} ms: read faster or "
                               "narrow the filter, and go on with the last resume token",
                               limit.count()),
                   {{}, {}, {{"resume_token", resume_token}}});
}

absl::Status Cancelled() { return absl::CancelledError("subscription: the subscriber is gone"); }

// The status with the token at which to go on, where it has a reason.
absl::Status WithToken(const absl::Status& status, const SubscriptionSource& source) {
  return WithMetadata(status, "resume_token", source.Token());
}

}  // namespace

Subscription::Subscription(SubscriptionHub& hub, const Clock& clock,
                           std::unique_ptr<SubscriptionSource> source, SubscriptionOptions options,
                           SubscriptionOutput& output)
    : hub_(hub),
      clock_(clock),
      options_(std::move(options)),
      output_(output),
      stream_(source->Kind()),
      source_(std::move(source)),
      delivered_(source_->Position()) {}

void Subscription::Start() {
  const auto self = shared_from_this();
  if (const absl::Status joined = hub_.Add(self); !joined.ok()) {
    absl::Status end;
    {
      MutexLock lock(mutex_);
      end = WithToken(joined, *source_);
      EnterEndingLocked();
    }
    Finish(end);
    return;
  }
  Pump(/*progress_due=*/false);
}

void Subscription::OnWritten(bool ok) {
  const auto self = shared_from_this();
  absl::Status end;
  {
    MutexLock lock(mutex_);
    if (state_ != State::kWriting) return;  // It stalled, and came through after all.
    if (ok) {
      state_ = State::kBusy;
      stage().Finish();
    } else {
      stage().Abandon();
      end = pending_end_.ok() ? Cancelled() : pending_end_;
      EnterEndingLocked();
    }
  }
  if (ok) {
    Pump(/*progress_due=*/false);
  } else {
    Finish(end);
  }
}

void Subscription::OnCancelled() { End(Cancelled()); }

void Subscription::OnDone() {
  const auto self = shared_from_this();
  {
    MutexLock lock(output_mutex_);
    output_gone_ = true;
  }
  {
    MutexLock lock(mutex_);
    state_ = State::kDone;
  }
  hub_.Remove(this);
}

void Subscription::End(const absl::Status& status) {
  const auto self = shared_from_this();
  absl::Status end;
  {
    MutexLock lock(mutex_);
    if (state_ == State::kEnding || state_ == State::kDone || !pending_end_.ok()) return;
    if (state_ != State::kIdle) {
      pending_end_ = status;
      return;
    }
    end = WithToken(status, *source_);
    EnterEndingLocked();
  }
  Finish(end);
}

Clock::Steady Subscription::Poll(Clock::Steady now) {
  const auto self = shared_from_this();
  Clock::Steady next;
  absl::Status end;
  Task task = Task::kNothing;
  bool progress_due = false;
  {
    MutexLock lock(mutex_);
    progress_due = ProgressDueLocked(now);
    task = PollLocked(now, next, end);
  }
  switch (task) {
    case Task::kNothing:
      break;
    case Task::kPump:
      Pump(progress_due);
      break;
    case Task::kFinish:
      Finish(end);
      break;
    case Task::kAbort:
      Abort();
      break;
  }
  return next;
}

Subscription::Task Subscription::PollLocked(Clock::Steady now, Clock::Steady& next,
                                            absl::Status& end) {
  // Whatever other threads do meanwhile, no deadline of theirs is nearer.
  next = now + options_.progress_interval;
  if (options_.permit) next = std::min(next, now + options_.permit_interval);
  if (state_ == State::kIdle || (state_ == State::kWriting && write_handed_over_)) {
    end = CheckPermitLocked();
    if (!end.ok()) {
      if (state_ == State::kWriting) stage().Abandon();
      EnterEndingLocked();
      return Task::kFinish;
    }
  }
  switch (state_) {
    case State::kBusy:
    case State::kDone:
      return Task::kNothing;
    case State::kIdle: {
      const Clock::Steady progress_at = last_message_ + options_.progress_interval;
      if (!source_->HasNews() && now < progress_at) {
        next = std::min(next, progress_at);
        return Task::kNothing;
      }
      state_ = State::kBusy;
      return Task::kPump;
    }
    case State::kWriting:
      if (!write_handed_over_) return Task::kNothing;
      if (now < last_message_ + options_.write_stall_max) {
        next = std::min(next, last_message_ + options_.write_stall_max);
        return Task::kNothing;
      }
      stage().Abandon();
      // The cursor rests while a write is under way.
      end = pending_end_.ok() ? Stalled(options_.write_stall_max, source_->Token())
                              : WithToken(pending_end_, *source_);
      EnterEndingLocked();
      next = std::min(next, abort_at_);
      return Task::kFinish;
    case State::kEnding:
      next = std::max(next, abort_at_);
      return now >= abort_at_ ? Task::kAbort : Task::kNothing;
  }
  return Task::kNothing;
}

void Subscription::EnterEndingLocked() {
  state_ = State::kEnding;
  abort_at_ = clock_.SteadyNow() + options_.finish_stall_max;
}

absl::Status Subscription::CheckPermitLocked() {
  const Clock::Steady now = clock_.SteadyNow();
  if (!options_.permit || now < permit_at_) return absl::OkStatus();
  permit_at_ = now + options_.permit_interval;
  return options_.permit({{}, {}, {{"resume_token", source_->Token()}}});
}

void Subscription::Pump(bool progress_due) {
  absl::Status end;
  do {
    MarkDelivered();
    // Before the next message is made: the token is that of what was sent.
    {
      MutexLock lock(mutex_);
      end = pending_end_.ok() ? CheckPermitLocked() : WithToken(pending_end_, *source_);
      if (!end.ok()) EnterEndingLocked();
    }
    if (!end.ok()) return Finish(end);
  } while (!Act(source_->Next(progress_due, clock_.Now())));
}

void Subscription::GoOn() {
  bool progress_due = false;
  {
    MutexLock lock(mutex_);
    progress_due = ProgressDueLocked(clock_.SteadyNow());
  }
  Pump(progress_due);
}

bool Subscription::Act(absl::StatusOr<SubscriptionStep> step) {
  absl::Status end;
  {
    MutexLock lock(mutex_);
    // A message that is made already is sent all the same, as the token is behind it by now.
    const bool made = step.ok() && step->kind == SubscriptionStep::Kind::kMessage;
    end = step.status();
    if (!pending_end_.ok() && !made) end = WithToken(pending_end_, *source_);
    if (!end.ok()) {
      EnterEndingLocked();
    } else if (made) {
      state_ = State::kWriting;
      write_handed_over_ = false;
      ++writes_;
      last_message_ = clock_.SteadyNow();
      stage().Begin();
    } else {
      MarkDelivered();
      if (step->kind == SubscriptionStep::Kind::kIdle) state_ = State::kIdle;
    }
  }
  if (!end.ok()) {
    Finish(end);
    return true;
  }
  switch (step->kind) {
    case SubscriptionStep::Kind::kMessage:
      Write(*step->message);
      return true;
    case SubscriptionStep::Kind::kAgain:
      return hub_.TryGoOn([self = shared_from_this()] { self->GoOn(); });
    case SubscriptionStep::Kind::kIdle:
      return StayIdle();
  }
  return true;
}

void Subscription::Write(const SubscriptionMessage& message) {
  uint64_t write = 0;
  {
    MutexLock lock(mutex_);
    write = writes_;
  }
  output_.Write(message);
  MutexLock lock(mutex_);
  if (state_ == State::kWriting && writes_ == write) write_handed_over_ = true;
}

bool Subscription::StayIdle() {
  // What was published between the cursor's look and becoming idle was seen by nobody.
  MutexLock lock(mutex_);
  if (state_ != State::kIdle || !source_->HasNews()) return true;
  state_ = State::kBusy;
  return false;
}

void Subscription::Finish(const absl::Status& status) {
  hub_.CountEnd(status);
  output_.Finish(status);
}

void Subscription::Abort() {
  MutexLock lock(output_mutex_);
  if (!output_gone_) output_.Abort();
}

}  // namespace alertjoin
