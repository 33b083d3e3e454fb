#include "common/access/access_metrics.h"

namespace alertjoin {
namespace {

prometheus::Family<prometheus::Counter>& Loads(prometheus::Registry& registry) {
  return prometheus::BuildCounter()
      .Name("alertjoin_access_loads_total")
      .Help("Times that the security file of a listener was read, by outcome.")
      .Register(registry);
}

}  // namespace

AccessMetrics::AccessMetrics(prometheus::Registry& registry, const std::string& listener)
    : loads(Loads(registry).Add({{"listener", listener}, {"outcome", "taken"}})),
      load_failures(Loads(registry).Add({{"listener", listener}, {"outcome", "refused"}})),
      last_load_successful(prometheus::BuildGauge()
                               .Name("alertjoin_access_last_load_successful")
                               .Help("1 when the security file of a listener was taken when it was "
                                     "last read; 0 when it was faulty, so that an older one holds.")
                               .Register(registry)
                               .Add({{"listener", listener}})),
      certificate_expiry_seconds(
          prometheus::BuildGauge()
              .Name("alertjoin_tls_certificate_expiry_timestamp_seconds")
              .Help("When the certificate of a listener expires, in unix time; 0 without TLS.")
              .Register(registry)
              .Add({{"listener", listener}})),
      listener_(listener),
      refusals_(prometheus::BuildCounter()
                    .Name("alertjoin_access_refused_total")
                    .Help("Calls and connections refused for want of permission, by reason.")
                    .Register(registry)) {}

void AccessMetrics::CountRefusal(const std::string& reason) {
  refusals_.Add({{"listener", listener_}, {"reason", reason}}).Increment();
}

}  // namespace alertjoin
