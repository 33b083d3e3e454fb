#include "ingest-service/prometheus/poll_schedule.h"

#include <algorithm>

#include "common/status/status.h"
#include "ingest-service/prometheus/absences.h"

namespace alertjoin {
namespace {

// The first due time at or after `time`.
Timestamp FirstDue(Timestamp time, Millis interval, Millis phase) {
  const Timestamp floor = FloorToStep(time - phase, interval) + phase;
  return floor == time ? time : floor + interval;
}

}  // namespace

PollSchedule::PollSchedule(Millis interval, Millis phase, Timestamp now)
    : interval_(interval), phase_(phase), due_(FirstDue(now, interval, phase)) {
  CHECK(interval > Millis(0));
}

void PollSchedule::FollowClockBack(Timestamp now) {
  if (due_ > now + interval_) due_ = FirstDue(now, interval_, phase_);
  if (retry_at_.has_value() && *retry_at_ > now + kRetryCap) retry_at_ = now + kRetryCap;
}

PollSchedule::Decision PollSchedule::Step(Timestamp now, Timestamp blocked_until) {
  FollowClockBack(now);
  Decision decision;
  uint64_t passed = 0;
  if (due_ <= now) {
    passed = static_cast<uint64_t>((now - due_) / interval_) + 1;
    due_ = due_ + interval_ * static_cast<int64_t>(passed);
  }
  if (running_) {
    decision.skipped_running = passed;
    return decision;
  }
  // A due poll that may not begin yet begins as soon as it may.
  if (passed > 0 && blocked_until > now && !retry_at_.has_value()) retry_at_ = blocked_until;
  if (retry_at_.has_value()) {
    if (*retry_at_ > now) {
      decision.skipped_backoff = passed;
      return decision;
    }
    if (blocked_until > now) {
      retry_at_ = blocked_until;
      decision.skipped_backoff = passed;
      return decision;
    }
    retry_at_.reset();
    decision.poll = true;
    decision.skipped_late = passed > 0 ? passed - 1 : 0;
  } else if (passed > 0) {
    decision.poll = true;
    decision.skipped_late = passed - 1;
  }
  running_ = decision.poll;
  return decision;
}

void PollSchedule::OnFinished(std::optional<Timestamp> retry_at) {
  CHECK(running_);
  running_ = false;
  retry_at_ = retry_at;
}

Timestamp PollSchedule::NextDue() const {
  if (running_ || !retry_at_.has_value()) return due_;
  return std::min(due_, *retry_at_);
}

Millis StablePhase(Millis interval, uint64_t query_hash) {
  return Millis(static_cast<int64_t>(query_hash % static_cast<uint64_t>(interval.count())));
}

}  // namespace alertjoin
