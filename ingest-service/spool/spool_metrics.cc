#include "ingest-service/spool/spool_metrics.h"

namespace alertjoin {
namespace {

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help,
                             const std::string& lane) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({{"lane", lane}});
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name, const char* help,
                                 const std::string& lane) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({{"lane", lane}});
}

}  // namespace

SpoolMetrics::SpoolMetrics(prometheus::Registry& registry, const std::string& lane)
    : events(MakeGauge(registry, "alertjoin_spool_events",
                       "Events in the spool that the correlator has not acknowledged.", lane)),
      bytes(MakeGauge(registry, "alertjoin_spool_bytes", "Bytes of the spool in use.", lane)),
      bytes_max(MakeGauge(registry, "alertjoin_spool_bytes_max",
                          "Bytes of the spool at which it takes nothing more, or drops.", lane)) {}

DropMetrics::DropMetrics(prometheus::Registry& registry, const std::string& lane)
    : samples(MakeCounter(registry, "alertjoin_spool_dropped_samples_total",
                          "Samples dropped, oldest first, because the spool was full.", lane)),
      events(MakeCounter(registry, "alertjoin_spool_dropped_events_total",
                         "Events dropped, oldest first, because the spool was full.", lane)) {}

}  // namespace alertjoin
