#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <memory>

#include "common/eventlog/failure_latch.h"
#include "common/sync/bounded_queue.h"
#include "common/time/clock.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/event_sink.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/pipeline/round_logger.h"
#include "correlator-service/pipeline/round_writer.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

struct PipelineOptions {
  RoundLoggerOptions logger;
  // Rounds that are synced and wait for the writer.
  size_t logged_rounds_max = 16;
};

// The correlator's way from producers to rows, on two threads: one makes rounds and syncs them in
// the event log (RoundLogger), the other applies them to the engine and commits row changes
// (RoundWriter). So one round is synced while the one before is applied. A producer hears that its
// events are durable when they are in the log; a row is published after that.
//
// A failed log or row store is final: nothing more is taken, `on_failure` is told, and what is in
// the log is applied at the next start.
//
// Thread-safe: TryPush and health from any thread. Everything handed to the constructor must
// outlive it; the engine belongs to it from Start to Stop.
class Pipeline final : public EventSink {
 public:
  // `on_failure` is called at most once, on any thread. It must not block.
  Pipeline(PipelineOptions options, Engine& engine, RoundLog& log, RowStore& store,
           const Clock& clock, prometheus::Registry& registry,
           std::function<void(const absl::Status&)> on_failure = {});
  ~Pipeline() override;  // Stops.

  void Start();
  // Takes nothing more, logs and applies what is queued, ends the threads. Idempotent.
  void Stop();

  bool TryPush(IntakeBatch&& batch) override;

  // Other retentions from the next expiry on. From any thread.
  void SetRetention(Millis samples, Millis rows) { logger_.SetRetention(samples, rows); }

  // The engine's tables, between two rounds of the writer. Between Start and Stop.
  TableAccess& tables() { return writer_.tables(); }

  // OK, or why nothing more is taken.
  absl::Status health() const { return failure_.failure(); }

 private:
  FailureLatch failure_;
  BoundedQueue<LoggedRound> logged_;
  RoundLogger logger_;
  RoundWriter writer_;
};

}  // namespace alertjoin
