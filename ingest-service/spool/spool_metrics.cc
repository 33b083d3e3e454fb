#include "ingest-service/spool/spool_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help,
                             const std::string& lane) {
  return GaugeFamily(registry, name, help).Add({{"lane", lane}});
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name, const char* help,
                                 const std::string& lane) {
  return CounterFamily(registry, name, help).Add({{"lane", lane}});
}

}  // namespace

SpoolMetrics::SpoolMetrics(prometheus::Registry& registry, const std::string& lane)
    : events(MakeGauge(registry, "alertjoin_spool_events",
                       "Events in the spool that the correlator has not acknowledged.", lane)),
      bytes(MakeGauge(registry, "alertjoin_spool_bytes", "Bytes of the spool in use.", lane)),
      bytes_max(MakeGauge(registry, "alertjoin_spool_bytes_max",
                          "Bytes of the spool at which it takes nothing more, or drops.", lane)),
      first_sequence(MakeGauge(registry, "alertjoin_spool_first_sequence",
                               "Sequence of the oldest event that the spool still has.", lane)),
      last_sequence(MakeGauge(registry, "alertjoin_spool_last_sequence",
                              "Sequence of the newest event of the spool.", lane)),
      acked_sequence(MakeGauge(registry, "alertjoin_spool_acked_sequence",
                               "Sequence up to which the correlator has acknowledged.", lane)),
      stage(registry, "spool_" + lane) {}

prometheus::Histogram& SpoolSyncSeconds(prometheus::Registry& registry, const std::string& lane) {
  return HistogramFamily(registry, "alertjoin_spool_sync_duration_seconds",
                         "Time to write what was appended or trimmed and to sync it to disk.")
      .Add({{"lane", lane}},
           prometheus::Histogram::BucketBoundaries{0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                   0.01, 0.02, 0.05, 0.1, 0.5, 1, 5});
}

DropMetrics::DropMetrics(prometheus::Registry& registry, const std::string& lane)
    : samples(MakeCounter(registry, "alertjoin_spool_dropped_samples_total",
                          "Samples dropped, oldest first, because the spool was full.", lane)),
      events(MakeCounter(registry, "alertjoin_spool_dropped_events_total",
                         "Events dropped, oldest first, because the spool was full.", lane)) {}

}  // namespace alertjoin
