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
  {
    MutexLock lock(mutex_);
    if (closed_ || batches_ >= batches_max_) return false;
    LogId id(batch.position.producer_id, batch.position.log_id);
    if (id != newest_) {
      if (newest_ != LogId()) shared_ = clock_.SteadyNow();
      newest_ = id;
    }
    const auto [log, is_new] = logs_.try_emplace(std::move(id));
    if (is_new) circle_.push_back(log);
    Add(log, std::move(batch));
  }
  changed_.NotifyOne();
  return true;
}

std::vector<IntakeBatch> IntakeCircle::PopRoundBefore(Clock::Steady deadline) {
  Round round;
  MutexLock lock(mutex_);
  while (circle_.empty() && !closed_) {
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

void IntakeCircle::Add(Logs::iterator log, IntakeBatch&& batch) {
  Waiting& waiting = log->second;
  if (IsShared() && batch.bytes > kPartBytes) {
    for (IntakeBatch& part : Divide(std::move(batch), kPartBytes)) {
      waiting.push_back({std::move(part), false});
    }
    waiting.back().is_last = true;
  } else {
    waiting.push_back({std::move(batch), true});
  }
  ++batches_;
}

bool IntakeCircle::IsShared() const { return shared_ && clock_.SteadyNow() - *shared_ < kShared; }

size_t IntakeCircle::RoundBytesMax() const {
  if (!IsShared()) return kRoundBytesMax;
  const auto shortest = *std::min_element(took_.begin(), took_.end());
  const double ms = std::chrono::duration<double, std::milli>(shortest).count();
  const double bytes = std::min(ms * kSharedRoundBytesPerMs, double{kRoundBytesMax});
  return std::max(kSharedRoundBytes, static_cast<size_t>(bytes));
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
    const bool fits = round.batches.size() < kRoundBatchesMax &&
                      round.bytes + log->second.front().batch.bytes <= round.bytes_max;
    fits ? Take(log, had_turn, round) : passed_over.push_back(log);
  }
  const bool all_fitted = passed_over.empty();
  circle_ = std::move(passed_over);
  circle_.insert(circle_.end(), had_turn.begin(), had_turn.end());
  return all_fitted;
}

void IntakeCircle::Take(Logs::iterator log, std::deque<Logs::iterator>& circle, Round& round) {
  Waiting& waiting = log->second;
  Part& part = waiting.front();
  round.bytes += part.batch.bytes;
  if (part.is_last) --batches_;
  round.batches.push_back(std::move(part.batch));
  waiting.pop_front();
  if (waiting.empty()) {
    logs_.erase(log);
  } else {
    circle.push_back(log);
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
  return closed_ && circle_.empty();
}

}  // namespace alertjoin
