#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cstddef>

#include "common/eventlog/event_log.h"
#include "common/metrics/stage_metrics.h"

namespace alertjoin {

// alertjoin_log_sync_duration_seconds: how long the syncs of the log take.
prometheus::Histogram& LogSyncSeconds(prometheus::Registry& registry);

// The correlator's event log, as metrics of the process: alertjoin_log_append_seconds,
// alertjoin_log_bytes, alertjoin_log_first_position, alertjoin_log_next_position,
// alertjoin_log_full, alertjoin_log_future_samples_total, and the stage "log". Not thread-safe, but
// for the stages and for the registry's own reading of the values.
class LogMetrics {
 public:
  explicit LogMetrics(prometheus::Registry& registry);

  // Runs what appends, and observes the time that it takes.
  template <typename Append>
  auto Time(Append append) {
    const auto start = std::chrono::steady_clock::now();
    auto result = append();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    append_seconds_.Observe(elapsed.count());
    return result;
  }
  void SetBounds(const EventLog::Bounds& bounds);
  void SetFull(bool full) { full_.Set(full ? 1 : 0); }
  void CountFutureSamples(size_t samples) { future_.Increment(static_cast<double>(samples)); }
  // Events: those that wait for their round, and those that are durable and handed to the join.
  StageMetrics& stage() { return stage_; }
  // What is handed to the join begins there: PipelineMetrics has the same stage.
  StageMetrics& join() { return join_; }

 private:
  prometheus::Histogram& append_seconds_;
  prometheus::Gauge& bytes_;
  prometheus::Gauge& first_;
  prometheus::Gauge& next_;
  prometheus::Gauge& full_;
  prometheus::Counter& future_;
  StageMetrics stage_;
  StageMetrics join_;
};

}  // namespace alertjoin
