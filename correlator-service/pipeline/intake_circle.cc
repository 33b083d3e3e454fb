#include "correlator-service/pipeline/intake_circle.h"

#include <algorithm>
#include <iterator>

#include "common/status/status.h"
#include "correlator-service/pipeline/intake_parts.h"

namespace alertjoin {

IntakeCircle::IntakeCircle(size_t batches_max, const Clock& clock)
    : batches_max_(batches_max), clock_(clock) {
  CHECK(batches_max > 0);
}

bool IntakeCircle::TryPush(IntakeBatch&& batch) {
  Logs::iterator log;
  bool divides = false;
  {
    MutexLock lock(mutex_);
    LogId id(batch.position.producer_id, batch.position.log_id);
    if (closed_ || !HasRoomFor(logs_.find(id))) return false;
    if (id != newest_) {
      if (newest_ != LogId()) shared_ = clock_.SteadyNow();
      newest_ = id;
    }
    log = logs_.try_emplace(std::move(id)).first;
    ++batches_;
    ++log->second.batches;
    log->second.bytes += batch.bytes;
    bytes_ += batch.bytes;
    ++coming_;
    divides = IsShared() && batch.bytes > kPartBytes;
  }
  // Without the lock: nobody waits for the copying. The log stays, for it has a batch.
  const size_t bytes = batch.bytes;
  std::vector<IntakeBatch> parts;
  if (divides) {
    parts = Divide(std::move(batch), kPartBytes);
  } else {
    parts.push_back(std::move(batch));
  }
  {
    MutexLock lock(mutex_);
    --coming_;
    log->second.bytes -= bytes;
    bytes_ -= bytes;
    Add(log, std::move(parts));
  }
  changed_.NotifyOne();
  return true;
}

bool IntakeCircle::HasRoomFor(Logs::const_iterator log) const {
  if (log == logs_.end()) return batches_ < 2 * batches_max_ && bytes_ < 2 * kBytesMax;
  if (batches_ >= batches_max_ || bytes_ >= kBytesMax) return false;
  if (log->second.batches >= kLogBatchesMax) return false;
  return log->second.batches < kLogBatchesMin || log->second.bytes < kLogBytesMax;
}

std::vector<IntakeBatch> IntakeCircle::PopRoundBefore(Clock::Steady deadline) {
  Round round;
  MutexLock lock(mutex_);
  while (circle_.empty() && !HasEnded()) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  if (circle_.empty()) return {};
  round.bytes_max = RoundBytesMax();
  const bool has_turn = std::exchange(owes_turn_, false);
  if (has_turn) {
    const Logs::iterator first = circle_.front();
    circle_.pop_front();
    Take(first, circle_, round);
    // The others have their round all the same.
    round.bytes = 0;
  }
  // Those who came together do not wait for more of each other than one batch, unless it is little.
  const size_t more_below = circle_.size() > 1 ? round.bytes_max / 2 : round.bytes_max;
  bool all_fitted = true;
  do {
    all_fitted = TakeOneOfEach(round);
  } while (!circle_.empty() && all_fitted && round.bytes < more_below);
  owes_turn_ = !all_fitted && !has_turn && !round.batches.empty();
  if (round.batches.empty()) {
    const Logs::iterator first = circle_.front();
    circle_.pop_front();
    Take(first, circle_, round);
  }
  return std::move(round.batches);
}

void IntakeCircle::Add(Logs::iterator log, std::vector<IntakeBatch> parts) {
  Waiting& waiting = log->second;
  if (waiting.parts.empty()) circle_.push_back(log);
  for (IntakeBatch& part : parts) {
    waiting.bytes += part.bytes;
    bytes_ += part.bytes;
    waiting.parts.push_back({std::move(part), false});
  }
  waiting.parts.back().is_last = true;
}

bool IntakeCircle::IsShared() const { return shared_ && clock_.SteadyNow() - *shared_ < kShared; }

size_t IntakeCircle::RoundBytesMax() const {
  // Once closed, what is left is to be over soon.
  if (!IsShared() || closed_) return kRoundBytesMax;
  const auto shortest = *std::min_element(took_.begin(), took_.end());
  const double ms = std::chrono::duration<double, std::milli>(shortest).count();
  return static_cast<size_t>(std::clamp(ms * kSharedRoundBytesPerMs, double{kSharedRoundBytes},
                                        double{kSharedRoundBytesMax}));
}

void IntakeCircle::NoteLogged(std::chrono::nanoseconds took) {
  MutexLock lock(mutex_);
  took_[took_next_] = took;
  took_next_ = (took_next_ + 1) % took_.size();
}

bool IntakeCircle::TakeOneOfEach(Round& round) {
  std::deque<Logs::iterator> passed_over;
  std::deque<Logs::iterator> had_turn;
  for (const Logs::iterator log : circle_) {
    const size_t bytes = log->second.parts.front().batch.bytes;
    const size_t bytes_max =
        bytes <= kSmallBytes ? round.bytes_max + round.bytes_max / 4 : round.bytes_max;
    const bool fits = round.batches.size() < kRoundBatchesMax && round.bytes + bytes <= bytes_max;
    fits ? Take(log, had_turn, round) : passed_over.push_back(log);
  }
  const bool all_fitted = passed_over.empty();
  circle_ = std::move(passed_over);
  circle_.insert(circle_.end(), had_turn.begin(), had_turn.end());
  return all_fitted;
}

void IntakeCircle::Take(Logs::iterator log, std::deque<Logs::iterator>& circle, Round& round) {
  Waiting& waiting = log->second;
  Part& part = waiting.parts.front();
  round.bytes += part.batch.bytes;
  waiting.bytes -= part.batch.bytes;
  bytes_ -= part.batch.bytes;
  if (part.is_last) {
    --batches_;
    --waiting.batches;
  }
  round.batches.push_back(std::move(part.batch));
  waiting.parts.pop_front();
  if (!waiting.parts.empty()) {
    circle.push_back(log);
  } else if (waiting.batches == 0) {
    logs_.erase(log);
  }
}

void IntakeCircle::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.NotifyAll();
}

bool IntakeCircle::ended() const {
  MutexLock lock(mutex_);
  return circle_.empty() && HasEnded();
}

bool IntakeCircle::HasEnded() const { return closed_ && coming_ == 0; }

}  // namespace alertjoin
