#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "ingest-service/prometheus/metrics_sources.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;

// The verdict on a good configuration after one change.
absl::Status After(const std::function<void(MetricsSourcesOptions&)>& change) {
  MetricsSourcesOptions options;
  options.sources.resize(1);
  options.sources[0].name = "p";
  options.sources[0].url = "http://p:9090/prefix";
  options.sources[0].queries.resize(1);
  options.sources[0].queries[0].name = "q";
  options.sources[0].queries[0].expression = "up";
  change(options);
  return MetricsSources::Check(options);
}

TEST(MetricsSourcesCheck, TakesWhatCanWork) {
  EXPECT_THAT(After([](MetricsSourcesOptions&) {}), IsOk());
  EXPECT_THAT(After([](MetricsSourcesOptions& o) { o.sources.clear(); }), IsOk());
  EXPECT_THAT(After([](MetricsSourcesOptions& o) { o.sources[0].queries.clear(); }), IsOk());
}

TEST(MetricsSourcesCheck, NamesWhatCannot) {
  const auto refused = [](const std::string& words,
                          const std::function<void(MetricsSourcesOptions&)>& change) {
    EXPECT_THAT(After(change), StatusIs(StatusCode::kInvalidArgument, words));
  };
  refused("has no name", [](auto& o) { o.sources[0].name.clear(); });
  refused("metrics source p: the name is there twice",
          [](auto& o) { o.sources.push_back(o.sources[0]); });
  refused("p: url: \"p:9090\"", [](auto& o) { o.sources[0].url = "p:9090"; });
  refused("p: url", [](auto& o) { o.sources[0].url = "ftp://p"; });
  refused("timeout", [](auto& o) { o.sources[0].timeout = Millis(0); });
  refused("settle_delay", [](auto& o) { o.sources[0].settle_delay = Millis(-1); });
  refused("lookback", [](auto& o) { o.sources[0].lookback = Millis(0); });
  refused("query q: the name is there twice",
          [](auto& o) { o.sources[0].queries.push_back(o.sources[0].queries[0]); });
  refused("query q: malformed event: query.expression",
          [](auto& o) { o.sources[0].queries[0].expression.clear(); });
  refused("interval", [](auto& o) { o.sources[0].queries[0].interval = Millis(0); });
  refused("window", [](auto& o) { o.sources[0].queries[0].window = Millis(0); });
  refused("step", [](auto& o) { o.sources[0].queries[0].step = Millis(0); });
}

}  // namespace
}  // namespace alertjoin
