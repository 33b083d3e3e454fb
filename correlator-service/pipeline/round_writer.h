#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "common/sync/bounded_queue.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/pipeline_metrics.h"
#include "correlator-service/pipeline/round_logger.h"
#include "correlator-service/pipeline/table_turns.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Applies logged rounds to the engine, in order, commits what follows to the row store, and has the
// log trimmed behind it. Its thread is the only one that touches the engine.
//
// Everything handed to the constructor must outlive it.
class RoundWriter {
 public:
  // `failed` is called once, on the thread, when the row store takes nothing more.
  RoundWriter(Engine& engine, RowStore& store, RoundLog& log, RoundLogger& logger,
              BoundedQueue<LoggedRound>& logged, prometheus::Registry& registry,
              std::function<void(const absl::Status&)> failed);
  ~RoundWriter();  // Waits for the end.

  void Start();
  // Ends when the queue is closed and empty. Waits for that. Idempotent.
  void Join();

  // The engine's tables for others; open from construction to the end of the thread.
  TableAccess& tables() { return turns_; }

 private:
  void Run();
  absl::Status ApplyCounted(LoggedRound logged);
  absl::Status Apply(LoggedRound logged);
  // Has said again what the segments beyond retention say and still counts.
  void CarryOver();
  absl::Status Trim(LogPosition before);

  Engine& engine_;
  RowStore& store_;
  RoundLog& log_;
  RoundLogger& logger_;
  BoundedQueue<LoggedRound>& logged_;
  TableTurns turns_;
  PipelineMetrics metrics_;
  const std::function<void(const absl::Status&)> failed_;
  bool carrying_ = false;  // Rounds of CarryOver are on their way. Writer thread only.
  std::thread thread_;
};

}  // namespace alertjoin
