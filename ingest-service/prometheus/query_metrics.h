#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "ingest-service/prometheus/poll_schedule.h"
#include "ingest-service/prometheus/sample_transaction.h"

namespace alertjoin {

// Counts what is asked of the metrics sources and what comes back. Thread-safe. Label values are
// names of configured sources and words of this code, so they are bounded.
class QueryMetrics {
 public:
  // The registry must outlive it.
  explicit QueryMetrics(prometheus::Registry& registry);
  ~QueryMetrics() { SetExactPending(0); }

  // Outcomes: ok, partial, failed.
  void CountPoll(const std::string& source, const std::string& outcome, double seconds);
  void CountSkipped(const std::string& source, const PollSchedule::Decision& decision);
  // What the sink has taken, and what there was no room for.
  void CountTaken(const std::string& source, const SampleTransaction& transaction);
  void CountHistograms(const std::string& source, uint64_t histograms);
  // Outcomes: at_once, settled, partial, failed, gave_up, refused, too_far_ahead, unknown_source.
  void CountExact(const std::string& source, const std::string& outcome);
  void SetExactPending(size_t pending);
  void CountError(const std::string& source, const absl::Status& status);

 private:
  prometheus::Family<prometheus::Counter>& polls_;
  prometheus::Family<prometheus::Histogram>& poll_seconds_;
  prometheus::Family<prometheus::Counter>& skipped_;
  prometheus::Family<prometheus::Counter>& samples_;
  prometheus::Family<prometheus::Counter>& stale_markers_;
  prometheus::Family<prometheus::Counter>& series_refused_;
  prometheus::Family<prometheus::Counter>& histograms_;
  prometheus::Family<prometheus::Counter>& exact_;
  prometheus::Family<prometheus::Counter>& errors_;
  prometheus::Gauge& exact_pending_;  // Of all who count.
  std::atomic<size_t> own_pending_ = 0;
};

}  // namespace alertjoin
