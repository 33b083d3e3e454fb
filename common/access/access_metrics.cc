#include "common/access/access_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

prometheus::Family<prometheus::Counter>& Loads(prometheus::Registry& registry) {
  return CounterFamily(registry, "alertjoin_access_loads_total",
                       "Times that the security file of a listener was read, by outcome.");
}

}  // namespace

AccessMetrics::AccessMetrics(prometheus::Registry& registry, const std::string& listener)
    : loads(Loads(registry).Add({{"listener", listener}, {"outcome", "taken"}})),
      load_failures(Loads(registry).Add({{"listener", listener}, {"outcome", "refused"}})),
      last_load_successful(
          GaugeFamily(registry, "alertjoin_access_last_load_successful",
                      "1 when the security file of a listener was taken when it was "
                      "last read; 0 when it was faulty, so that an older one holds.")
              .Add({{"listener", listener}})),
      certificate_expiry_seconds(
          GaugeFamily(registry, "alertjoin_tls_certificate_expiry_timestamp_seconds",
                      "When the certificate of a listener expires, in unix time; 0 without TLS.")
              .Add({{"listener", listener}})),
      listener_(listener),
      refusals_(CounterFamily(registry, "alertjoin_access_refused_total",
                              "Calls and connections refused for want of permission, by reason.")) {
}

void AccessMetrics::CountRefusal(const std::string& reason) {
  refusals_.Add({{"listener", listener_}, {"reason", reason}}).Increment();
}

}  // namespace alertjoin
