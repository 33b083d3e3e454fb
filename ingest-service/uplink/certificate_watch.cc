#include "ingest-service/uplink/certificate_watch.h"

#include <utility>

#include "common/access/certificate_pem.h"
#include "common/config/small_file.h"
#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

constexpr std::chrono::minutes kInterval(1);

}  // namespace

CertificateWatch::CertificateWatch(std::string file, prometheus::Registry& registry)
    : file_(std::move(file)),
      expiry_seconds_(OneGauge(registry, "alertjoin_uplink_certificate_expiry_timestamp_seconds",
                               "When the certificate expires that is shown to the correlator, as "
                               "its file has it, in unix time; 0 without one.")) {}

void CertificateWatch::Look(std::chrono::steady_clock::time_point now) {
  if (file_.empty() || now < next_look_) return;
  next_look_ = now + kInterval;
  const auto pem = ReadSmallFile(file_);
  if (!pem.ok()) return;
  const auto chain = ParseCertificates(*pem);
  if (chain.empty()) return;
  expiry_seconds_.Set(static_cast<double>(ExpiryOf(*chain.front()).millis()) / 1000);
}

}  // namespace alertjoin
