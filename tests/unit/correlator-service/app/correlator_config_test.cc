#include "correlator-service/app/correlator_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

TEST(CorrelatorConfig, ReadsEveryKey) {
  const auto config = ParseCorrelatorConfig(R"(
grpc: {listen_address: "127.0.0.1:1"}
http: {listen_address: "127.0.0.1:2"}
retention: {samples: 1h, rows: 30d}
limits: {series: 10, rows: 20, subscribers: 30, source_series: 7, source_alerts: 8}
)",
                                            "correlator.yml");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->grpc_listen_address, "127.0.0.1:1");
  EXPECT_EQ(config->http_listen_address, "127.0.0.1:2");
  EXPECT_EQ(config->sample_retention, std::chrono::hours(1));
  EXPECT_EQ(config->row_retention, std::chrono::hours(720));
  EXPECT_EQ(config->series_max, 10u);
  EXPECT_EQ(config->rows_max, 20u);
  EXPECT_EQ(config->source_series_max, 7u);
  EXPECT_EQ(config->source_alerts_max, 8u);
  EXPECT_EQ(config->subscribers_max, 30u);
}

TEST(CorrelatorConfig, FaultsNameFileLineAndColumn) {
  EXPECT_THAT(
      ParseCorrelatorConfig("grpc:\n  address: x\n", "correlator.yml"),
      StatusIs(absl::StatusCode::kInvalidArgument, "correlator.yml:2:3: unknown key \"address\""));
  EXPECT_THAT(ParseCorrelatorConfig("limits: {series: 0}", "correlator.yml"),
              StatusIs(absl::StatusCode::kInvalidArgument, "correlator.yml:1:18"));
}

}  // namespace
}  // namespace alertjoin
