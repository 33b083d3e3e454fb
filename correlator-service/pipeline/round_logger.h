#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "common/log/log.h"
#include "common/sync/bounded_queue.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "correlator-service/pipeline/event_sink.h"
#include "correlator-service/pipeline/intake_circle.h"
#include "correlator-service/pipeline/log_metrics.h"
#include "correlator-service/pipeline/round_log.h"

namespace alertjoin {

// A round that is in the log.
struct LoggedRound {
  LogPosition position;
  Round round;
  // Not null: behind it everything before this position may be trimmed.
  LogPosition trim_before;
  // So many of the events go on in a later round, which counts them: samples, all of them.
  size_t continued = 0;

  size_t events() const { return round.events.size() - continued; }
};

struct RoundLoggerOptions {
  size_t queue_batches_max = 8192;
  Millis sample_retention = std::chrono::hours(6);
  Millis row_retention = std::chrono::hours(24 * 90);
  // How often retention is applied.
  Millis expiry_interval = std::chrono::minutes(1);
};

// Makes rounds of what producers hand over and of the passing of time, syncs them in the log, hands
// them on and tells the producers, in order. What came while it worked goes into the next round
// together, as far as that is fair (IntakeCircle).
//
// While the log is full, it takes no more: producers keep what they have. Samples from more than
// kSampleFutureMax ahead of the clock are dropped and counted: they would keep the log from being
// trimmed.
//
// Has one thread. Thread-safe. Everything handed to the constructor must outlive it.
class RoundLogger {
 public:
  static constexpr Millis kSampleFutureMax = std::chrono::hours(1);

  // `failed` is called once, on the thread, when the log takes nothing more for good.
  RoundLogger(RoundLoggerOptions options, RoundLog& log, BoundedQueue<LoggedRound>& logged,
              const Clock& clock, prometheus::Registry& registry,
              std::function<void(const absl::Status&)> failed);
  ~RoundLogger();  // Stops.

  void Start();
  // Takes nothing more, logs what is queued as far as there is room, closes `logged`, and ends the
  // thread. Idempotent.
  void Stop();

  bool TryPush(IntakeBatch&& batch);

  // From the next expiry on. From any thread.
  void SetRetention(Millis samples, Millis rows) {
    sample_retention_ms_ = samples.count();
    row_retention_ms_ = rows.count();
  }

  // Has the rounds logged soon; behind the last of them what lies before `trim_before` is needed no
  // more. REQUIRES: the rounds of the call before have come back.
  void Carry(std::vector<Round> rounds, LogPosition trim_before) EXCLUDES_LOCK(mutex_);
  // Something was trimmed.
  void NotifyRoom() EXCLUDES_LOCK(mutex_);

 private:
  struct Carried {
    std::vector<Round> rounds;
    LogPosition trim_before;
  };

  void Run();
  // All false: the thread must end.
  bool LogBatches(std::span<IntakeBatch> batches);
  bool LogWhenDue();
  bool LogExpiry();
  bool LogCarried();
  bool Log(Round round, std::span<IntakeBatch> batches, LogPosition trim_before = {});
  bool WaitForRoom() EXCLUDES_LOCK(mutex_);
  void DropFutureSamples(Round& round);

  const RoundLoggerOptions options_;
  std::atomic<int64_t> sample_retention_ms_;
  std::atomic<int64_t> row_retention_ms_;
  RoundLog& log_;
  BoundedQueue<LoggedRound>& logged_;
  const Clock& clock_;
  const std::function<void(const absl::Status&)> failed_;
  IntakeCircle queue_;
  LogMetrics metrics_;
  LogLimiter full_limiter_;
  LogLimiter future_limiter_;
  Clock::Steady next_expiry_;  // Logger thread only.
  std::thread thread_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool has_room_ GUARDED_BY(mutex_) = false;
  std::vector<Carried> carried_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
