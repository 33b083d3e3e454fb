#include "common/metrics/stage_metrics.h"

#include <chrono>

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

prometheus::Counter& AddCounter(prometheus::Registry& registry, const char* name, const char* help,
                                const std::string& stage) {
  return CounterFamily(registry, name, help).Add({{"stage", stage}});
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help,
                            const std::string& stage) {
  return GaugeFamily(registry, name, help).Add({{"stage", stage}});
}

}  // namespace

StageMetrics::StageMetrics(prometheus::Registry& registry, const std::string& stage,
                           const Clock& clock)
    : clock_(clock),
      in_(AddCounter(registry, "alertjoin_stage_in_total", "What came to a stage.", stage)),
      in_progress_(AddGauge(registry, "alertjoin_stage_in_progress",
                            "What came to a stage and has not gone on yet.", stage)),
      out_(AddCounter(registry, "alertjoin_stage_out_total",
                      "What a stage has processed and handed on.", stage)),
      last_processed_(AddGauge(registry, "alertjoin_stage_last_processed_timestamp_seconds",
                               "When a stage last handed something on, in unix time; 0 when it has "
                               "not since the start.",
                               stage)) {}

void StageMetrics::Begin(uint64_t count) {
  Expect(count);
  CountIn(count);
}

void StageMetrics::Finish(uint64_t count) {
  Abandon(count);
  CountOut(count);
}

void StageMetrics::CountOut(uint64_t count) {
  if (count == 0) return;
  out_.Increment(static_cast<double>(count));
  const std::chrono::duration<double> time = clock_.Now() - Timestamp();
  last_processed_.Set(time.count());
}

}  // namespace alertjoin
