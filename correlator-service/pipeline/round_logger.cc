#include "correlator-service/pipeline/round_logger.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread.h"
#include "correlator-service/pipeline/future_samples.h"

namespace alertjoin {
namespace {

// Of events that came in parts (Divide), those of which more is to come.
size_t CountContinued(std::span<const IntakeBatch> batches) {
  return static_cast<size_t>(std::count_if(
      batches.begin(), batches.end(), [](const IntakeBatch& batch) { return batch.is_continued; }));
}

// How often a full log is tried again, if nobody says that there is room.
constexpr std::chrono::seconds kFullRetry(1);
constexpr Millis kRoundLogInterval = std::chrono::seconds(30);

}  // namespace

RoundLogger::RoundLogger(RoundLoggerOptions options, RoundLog& log,
                         BoundedQueue<LoggedRound>& logged, const Clock& clock,
                         prometheus::Registry& registry,
                         std::function<void(const absl::Status&)> failed)
    : options_(options),
      sample_retention_ms_(options.sample_retention.count()),
      row_retention_ms_(options.row_retention.count()),
      log_(log),
      logged_(logged),
      clock_(clock),
      failed_(std::move(failed)),
      queue_(options.queue_batches_max, clock),
      metrics_(registry),
      full_limiter_(kRoundLogInterval, clock),
      future_limiter_(kRoundLogInterval, clock) {}

RoundLogger::~RoundLogger() { Stop(); }

void RoundLogger::Start() {
  thread_ = StartThread("round-logger", [this] { Run(); });
}

void RoundLogger::Stop() {
  queue_.Close();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

bool RoundLogger::TryPush(IntakeBatch&& batch) {
  const size_t events = batch.events.size();
  // First: it may be over before this returns.
  metrics_.stage().Expect(events);
  if (!queue_.TryPush(std::move(batch))) {
    metrics_.stage().Abandon(events);
    return false;
  }
  metrics_.stage().CountIn(events);
  return true;
}

void RoundLogger::Carry(std::vector<Round> rounds, LogPosition trim_before) {
  CHECK(!rounds.empty());
  MutexLock lock(mutex_);
  carried_.push_back({std::move(rounds), trim_before});
}

void RoundLogger::NotifyRoom() {
  {
    MutexLock lock(mutex_);
    has_room_ = true;
  }
  changed_.NotifyAll();
}

void RoundLogger::Run() {
  next_expiry_ = clock_.SteadyNow() + options_.expiry_interval;
  for (;;) {
    std::vector<IntakeBatch> batches = queue_.PopRoundBefore(next_expiry_);
    if (batches.empty() && queue_.ended()) break;
    if (!batches.empty() && !LogBatches(batches)) break;
    if (!LogWhenDue()) break;
  }
  logged_.Close();
}

bool RoundLogger::LogBatches(std::span<IntakeBatch> batches) {
  Round round;
  round.time = clock_.Now();
  size_t events = 0;
  for (IntakeBatch& batch : batches) {
    events += batch.events.size();
    std::move(batch.events.begin(), batch.events.end(), std::back_inserter(round.events));
    round.producers.push_back(batch.position);
  }
  DropFutureSamples(round);
  if (!Log(std::move(round), batches)) return false;
  metrics_.stage().Finish(events - CountContinued(batches));
  return true;
}

bool RoundLogger::LogWhenDue() {
  if (clock_.SteadyNow() < next_expiry_) return true;
  next_expiry_ = clock_.SteadyNow() + options_.expiry_interval;
  return LogExpiry() && LogCarried();
}

bool RoundLogger::LogExpiry() {
  Round round;
  round.time = clock_.Now();
  round.horizons.emplace(
      Horizons{round.time - Millis(sample_retention_ms_), round.time - Millis(row_retention_ms_)});
  return Log(std::move(round), {});
}

bool RoundLogger::LogCarried() {
  std::vector<Carried> carried;
  {
    MutexLock lock(mutex_);
    carried.swap(carried_);
  }
  for (Carried& carry : carried) {
    for (Round& round : carry.rounds) {
      const bool is_last = &round == &carry.rounds.back();
      round.time = clock_.Now();
      if (!Log(std::move(round), {}, is_last ? carry.trim_before : LogPosition())) return false;
    }
  }
  return true;
}

bool RoundLogger::Log(Round round, std::span<IntakeBatch> batches, LogPosition trim_before) {
  Clock::Steady begin;
  const auto append = [&] {
    begin = clock_.SteadyNow();
    return metrics_.Time([&] { return log_.Append(round); });
  };
  const bool makes_room = batches.empty();
  auto position = append();
  while (absl::IsResourceExhausted(position.status())) {
    metrics_.SetFull(true);
    if (full_limiter_.Allow()) {
      LogWarn("events are held back", {{"reason", MessageOf(position.status())}});
    }
    if (!WaitForRoom()) return false;
    // What makes room comes first. A round of that kind waits in its turn.
    if (!makes_room && !LogWhenDue()) return false;
    position = append();
  }
  if (!position.ok()) {
    failed_(position.status());
    return false;
  }
  // Not what follows: while the join is the slower one, larger rounds would only wait longer.
  if (!batches.empty()) queue_.NoteLogged(clock_.SteadyNow() - begin);
  metrics_.SetFull(false);
  metrics_.SetBounds(log_.bounds());
  // First, so that the rows do not wait for acknowledgements to be sent; nor do these wait for
  // room.
  LoggedRound logged{*position, std::move(round), trim_before, CountContinued(batches)};
  const size_t events = logged.events();
  metrics_.join().Begin(events);
  const bool handed_on = logged_.TryPush(std::move(logged));
  for (const IntakeBatch& batch : batches) {
    if (batch.durable) batch.durable();
  }
  if (handed_on || logged_.Push(std::move(logged))) return true;
  metrics_.join().Abandon(events);
  return false;
}

bool RoundLogger::WaitForRoom() {
  const auto deadline = std::chrono::steady_clock::now() + kFullRetry;
  MutexLock lock(mutex_);
  while (!stopping_ && !has_room_) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  has_room_ = false;
  return !stopping_;
}

void RoundLogger::DropFutureSamples(Round& round) {
  const size_t dropped = alertjoin::DropFutureSamples(round.time + kSampleFutureMax, round.events);
  if (dropped == 0) return;
  metrics_.CountFutureSamples(dropped);
  if (!future_limiter_.Allow()) return;
  LogWarn("samples from the future were dropped: are the clocks right?",
          {{"samples", fmt::to_string(dropped)}});
}

}  // namespace alertjoin
