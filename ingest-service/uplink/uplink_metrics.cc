#include "ingest-service/uplink/uplink_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const std::string& lane,
                                 const char* name, const char* help) {
  return CounterFamily(registry, name, help).Add({{"lane", lane}});
}

}  // namespace

UplinkMetrics::UplinkMetrics(prometheus::Registry& registry, const std::string& its_lane)
    : lane(its_lane),
      connected(GaugeFamily(registry, "alertjoin_uplink_connected",
                            "1 while the correlator takes events, otherwise 0.")
                    .Add({{"lane", lane}})),
      sent_events(MakeCounter(registry, lane, "alertjoin_uplink_sent_events_total",
                              "Events sent to the correlator, repetitions included.")),
      acked_events(MakeCounter(registry, lane, "alertjoin_uplink_acked_events_total",
                               "Events that the correlator has acknowledged.")),
      reconnects(MakeCounter(registry, lane, "alertjoin_uplink_reconnects_total",
                             "Attempts to connect after the first.")),
      store_changes(MakeCounter(registry, lane, "alertjoin_uplink_store_changes_total",
                                "Times that the correlator came back without what it had.")),
      missing_events(MakeCounter(registry, lane, "alertjoin_uplink_missing_events_total",
                                 "Events acknowledged once that the correlator no longer knows and "
                                 "the spool no longer holds.")),
      drops_met(MakeCounter(registry, lane, "alertjoin_uplink_drops_met_total",
                            "Streams ended and begun again because the spool had dropped what was "
                            "to be sent next.")),
      new_log_ids(MakeCounter(registry, lane, "alertjoin_uplink_new_log_ids_total",
                              "Times that the spool was given a new log id, for its own stood for "
                              "other events at the correlator: an older copy was put back, or two "
                              "run on copies of one.")),
      errors(CounterFamily(registry, "alertjoin_uplink_errors_total",
                           "Streams to the correlator that ended, by gRPC status code.")),
      stage(registry, "uplink_" + lane) {}

void UplinkMetrics::CountError(const absl::Status& status) {
  errors.Add({{"lane", lane}, {"code", absl::StatusCodeToString(status.code())}}).Increment();
}

}  // namespace alertjoin
