#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <thread>
#include <vector>

#include "common/sync/bounded_queue.h"
#include "common/time/clock.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/event_sink.h"
#include "correlator-service/pipeline/pipeline_metrics.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

struct PipelineOptions {
  size_t queue_batches_max = 8192;
  EngineLimits engine;
  Millis sample_retention = std::chrono::hours(6);
  Millis row_retention = std::chrono::hours(24 * 90);
  // How often retention is applied.
  Millis expiry_interval = std::chrono::minutes(1);
};

// The correlator's one writer: takes batches of events from a bounded queue, applies them to the
// engine and publishes the row changes. Its thread owns the engine; everything that came while it
// worked goes into the next round together, so that load makes rounds larger, not more.
//
// Thread-safe: TryPush from any thread. Store, clock and registry must outlive it.
class Pipeline final : public EventSink {
 public:
  Pipeline(PipelineOptions options, RowStore& store, const Clock& clock,
           prometheus::Registry& registry);
  ~Pipeline() override;  // Stops.

  void Start();
  // Takes nothing more, applies what is queued, ends the thread. Idempotent.
  void Stop();

  bool TryPush(IntakeBatch&& batch) override;

 private:
  void Run();
  void ApplyRound(std::vector<IntakeBatch> round);
  void Expire();

  const PipelineOptions options_;
  RowStore& store_;
  const Clock& clock_;
  BoundedQueue<IntakeBatch> queue_;
  PipelineMetrics metrics_;
  Engine engine_;  // Writer thread only.
  std::thread writer_;
};

}  // namespace alertjoin
