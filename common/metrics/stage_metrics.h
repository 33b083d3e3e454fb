#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <string>

#include "common/time/clock.h"

namespace alertjoin {

// What passes one stage of the way from the sources to the readers: how much came, how much is
// there, how much went on, and when that last was. All stages have the same metrics, so that one
// look tells where things pile up. In what a stage counts (notifications, events, row changes,
// messages) common/METRICS.md says. Thread-safe. Registry and clock must outlive it.
//
// Metrics: alertjoin_stage_in_total{stage}, alertjoin_stage_in_progress{stage},
// alertjoin_stage_out_total{stage}, alertjoin_stage_last_processed_timestamp_seconds{stage}, which
// is 0 until something was processed.
class StageMetrics {
 public:
  // `stage` is a word of the code.
  StageMetrics(prometheus::Registry& registry, const std::string& stage,
               const Clock& clock = SystemClock());

  // So much came and is in progress; has been processed and gone on; has gone without that. What
  // ends must have begun.
  void Begin(uint64_t count = 1);
  void Finish(uint64_t count = 1);
  void Abandon(uint64_t count = 1) { in_progress_.Decrement(static_cast<double>(count)); }

  // The parts of that. Expect and CountIn are the halves of Begin, for what may end before it is
  // known to have come. With CountIn and CountOut alone a stage says by itself what is in progress.
  void Expect(uint64_t count) { in_progress_.Increment(static_cast<double>(count)); }
  void CountIn(uint64_t count) { in_.Increment(static_cast<double>(count)); }
  void CountOut(uint64_t count);
  void SetInProgress(uint64_t count) { in_progress_.Set(static_cast<double>(count)); }

 private:
  const Clock& clock_;
  prometheus::Counter& in_;
  prometheus::Gauge& in_progress_;
  prometheus::Counter& out_;
  prometheus::Gauge& last_processed_;
};

}  // namespace alertjoin
