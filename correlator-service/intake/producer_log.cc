#include "correlator-service/intake/producer_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {

absl::StatusOr<ProducerLog::Attached> ProducerLog::Attach(const Offer& offer, Wake wake) {
  Attached attached;
  Wake fenced;
  {
    MutexLock lock(mutex_);
    // Before the epoch: where a clock was set back, too, that one says less of what has happened.
    RETURN_IF_ERROR(CheckNotRewound(offer));
    if (offer.epoch < epoch_) {
      return MakeError(
          "FENCED",
          fmt::format("hello: epoch {} is fenced: a stream with epoch {} has taken over this log",
                      offer.epoch, epoch_));
    }
    const uint64_t start = offer.first_sequence - 1;
    if (known_ && start > accepted_) attached.lost_events = start - accepted_;
    if (!known_ || start > accepted_) accepted_ = durable_ = start;
    known_ = true;
    owner_ = ++streams_;
    if (offer.epoch != epoch_) first_of_epoch_ = owner_;
    epoch_ = offer.epoch;
    fenced = std::exchange(wake_, std::move(wake));
    attached.stream = owner_;
    attached.durable_sequence = durable_;
  }
  if (fenced) fenced();
  return attached;
}

absl::Status ProducerLog::CheckNotRewound(const Offer& offer) const {
  if (!known_) return absl::OkStatus();
  if (offer.next_sequence <= accepted_) {
    return MakeError(
        "SEQUENCE_REWOUND",
        fmt::format(
            "hello: next_sequence is {}, but events up to {} were accepted from this log: a log "
            "that has lost events must come back under a new log_id",
            offer.next_sequence, accepted_));
  }
  const bool has_told = offer.start_sequence != 0;
  // What was accepted last came in epoch_: from the offering process itself when it is the same.
  if (has_told && offer.epoch != epoch_ && offer.start_sequence <= accepted_) {
    return MakeError(
        "SEQUENCE_REWOUND",
        fmt::format("hello: next_sequence was {} when epoch {} began, but events up to {} were "
                    "accepted from this log in epoch {}: a log that has lost events must come back "
                    "under a new log_id",
                    offer.start_sequence, offer.epoch, accepted_, epoch_));
  }
  return absl::OkStatus();
}

void ProducerLog::Detach(StreamId stream) {
  Wake wake;  // Destroyed outside the lock: it may hold the last reference to the stream.
  MutexLock lock(mutex_);
  if (owner_ != stream) return;
  owner_ = 0;
  wake.swap(wake_);
}

bool ProducerLog::IsAttached(StreamId stream) const {
  MutexLock lock(mutex_);
  return owner_ == stream;
}

bool ProducerLog::WasReplaced(StreamId stream) const {
  MutexLock lock(mutex_);
  return owner_ != stream && stream >= first_of_epoch_;
}

std::optional<uint64_t> ProducerLog::DurableFor(StreamId stream) const {
  MutexLock lock(mutex_);
  if (owner_ != stream) return std::nullopt;
  return durable_;
}

ProducerLog::PushResult ProducerLog::Push(StreamId stream, uint64_t last, IntakeBatch&& batch,
                                          EventSink& sink) {
  MutexLock lock(mutex_);
  if (owner_ != stream) return PushResult::kFenced;
  CHECK(last == accepted_ + batch.events.size());
  if (!sink.TryPush(std::move(batch))) return PushResult::kQueueFull;
  accepted_ = last;
  return PushResult::kPushed;
}

void ProducerLog::MarkDurable(uint64_t last) {
  MutexLock lock(mutex_);
  durable_ = std::max(durable_, last);
}

void ProducerLog::WakeStream() {
  Wake wake;
  {
    MutexLock lock(mutex_);
    wake = wake_;
  }
  if (wake) wake();
}

uint64_t ProducerLog::accepted() const {
  MutexLock lock(mutex_);
  return accepted_;
}

uint64_t ProducerLog::durable() const {
  MutexLock lock(mutex_);
  return durable_;
}

}  // namespace alertjoin
