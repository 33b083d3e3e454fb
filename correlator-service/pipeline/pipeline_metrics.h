#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <span>
#include <vector>

#include "common/event/event.h"
#include "common/metrics/stage_metrics.h"
#include "correlator-service/join/engine.h"

namespace alertjoin {

// What the writer has done, as metrics of the process. Not thread-safe, but for the registry's own
// reading of the values.
class PipelineMetrics {
 public:
  explicit PipelineMetrics(prometheus::Registry& registry);

  // Events: those of logged rounds, which begin as they are handed over (LogMetrics), and those
  // that are applied and published.
  StageMetrics& join() { return join_; }
  // Row changes: those that the engine made, and those that the row store has published.
  StageMetrics& rows_stage() { return rows_stage_; }

  // So many of them, of samples, are not counted yet: more of each is to come.
  void CountEvents(std::span<const Event> events, size_t continued);
  // Of the rows that are new. (The row store counts the changes themselves.)
  void CountDelays(std::span<const JoinedRow> changes, Timestamp applied_at);
  // What the engine did before does not count.
  void StartFrom(const EngineStats& stats);
  // The engine's own figures.
  void Publish(const EngineStats& stats);

 private:
  // A counter that follows a growing figure of the engine.
  struct Followed {
    prometheus::Counter* counter;
    uint64_t EngineStats::*figure;
    uint64_t seen = 0;
  };

  std::array<prometheus::Counter*, std::variant_size_v<Event>> events_;
  prometheus::Histogram& delay_seconds_;
  prometheus::Gauge& series_;
  prometheus::Gauge& rows_;
  StageMetrics join_;
  StageMetrics rows_stage_;
  prometheus::Gauge* sample_bytes_;
  prometheus::Gauge* series_bytes_;
  prometheus::Gauge* row_bytes_;
  std::vector<Followed> followed_;
};

}  // namespace alertjoin
