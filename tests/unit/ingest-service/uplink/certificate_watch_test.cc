#include "ingest-service/uplink/certificate_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/time/clock.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

using std::chrono::steady_clock;

double Shown(const prometheus::Registry& registry) {
  for (const prometheus::MetricFamily& family : registry.Collect()) {
    if (family.name == "alertjoin_uplink_certificate_expiry_timestamp_seconds") {
      return family.metric.at(0).gauge.value;
    }
  }
  return -1;
}

double HoursLeft(const prometheus::Registry& registry) {
  return (Shown(registry) - static_cast<double>(SystemClock().Now().millis()) / 1000) / 3600;
}

TEST(CertificateWatch, WithoutACertificateNothingIsRead) {
  prometheus::Registry registry;
  CertificateWatch watch("", registry);
  watch.Look(steady_clock::time_point());
  EXPECT_EQ(Shown(registry), 0);
}

TEST(CertificateWatch, TheFileCountsAsItIsAMinuteLaterAtTheLatest) {
  TestAuthority authority;
  const TestAuthority::Issued issued = authority.Issue("ingest-1");
  const std::string file = issued.cert_file + ".link";
  const auto put = [&file](const std::string& text) { std::ofstream(file) << text; };
  prometheus::Registry registry;
  CertificateWatch watch(file, registry);
  auto now = steady_clock::time_point() + std::chrono::hours(1);
  watch.Look(now);  // It is not there.
  EXPECT_EQ(Shown(registry), 0);
  std::filesystem::copy_file(issued.cert_file, file);
  watch.Look(now + std::chrono::seconds(59));
  EXPECT_EQ(Shown(registry), 0);
  watch.Look(now += std::chrono::minutes(1));
  EXPECT_GT(HoursLeft(registry), 47);
  EXPECT_LE(HoursLeft(registry), 48);
  put("no certificate");
  watch.Look(now += std::chrono::minutes(1));
  EXPECT_GT(HoursLeft(registry), 47);
}

}  // namespace
}  // namespace alertjoin
