#include "correlator-service/pipeline/log_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
prometheus::Histogram& LogSyncSeconds(prometheus::Registry& registry) {
  return HistogramFamily(
             registry, "alertjoin_log_sync_duration_seconds",
             "Time to write what was appended to the event log or trimmed and to sync it to disk.")
      .Add({}, prometheus::Histogram::BucketBoundaries{0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                       0.01, 0.02, 0.05, 0.1, 0.5, 1, 5});
}

LogMetrics::LogMetrics(prometheus::Registry& registry)
    : append_seconds_(
          HistogramFamily(registry, "alertjoin_log_append_seconds",
                          "Time to append a round to the event log and sync it.")
              .Add({}, prometheus::Histogram::BucketBoundaries{0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                               0.01, 0.02, 0.05, 0.1, 0.5, 1, 5})),
      bytes_(OneGauge(registry, "alertjoin_log_bytes", "Size of the event log's records.")),
      first_(OneGauge(registry, "alertjoin_log_first_position",
                      "Oldest record of the event log; those before were trimmed.")),
      next_(OneGauge(registry, "alertjoin_log_next_position",
                     "Position of the event log's next record.")),
      full_(OneGauge(registry, "alertjoin_log_full",
                     "1 while the event log has no room and producers are held back.")),
      future_(OneCounter(registry, "alertjoin_log_future_samples_total",
                         "Samples that were dropped, being from too far in the future.")),
      stage_(registry, "log"),
      join_(registry, "join") {}

void LogMetrics::SetBounds(const EventLog::Bounds& bounds) {
  bytes_.Set(static_cast<double>(bounds.bytes));
  first_.Set(static_cast<double>(bounds.first.value()));
  next_.Set(static_cast<double>(bounds.next.value()));
}

}  // namespace alertjoin
