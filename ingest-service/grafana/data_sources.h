#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest-service/grafana/grafana_options.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// Most data sources of one Grafana that are asked: each takes two threads.
constexpr size_t kDataSourcesMax = 200;

// A data source of the type prometheus that Grafana asks on behalf of others.
struct GrafanaDataSource {
  std::string uid;
  std::string name;
  std::string url;  // Where Grafana asks it; "" when that is not told.

  friend bool operator==(const GrafanaDataSource&, const GrafanaDataSource&) = default;
  friend auto operator<=>(const GrafanaDataSource&, const GrafanaDataSource&) = default;
};

// Decodes the two lists that Grafana has, which different tokens may see: GET /api/datasources, and
// the one in GET /api/frontend/settings. Data sources of other types, without a uid, or that
// browsers ask by themselves, are left out. By name. UNAVAILABLE for a body that is no such list.
// Source: grafana/grafana pkg/api/dtos/datasource.go, pkg/api/frontendsettings.go.
absl::StatusOr<std::vector<GrafanaDataSource>> DecodeDataSourceList(std::string_view body);
absl::StatusOr<std::vector<GrafanaDataSource>> DecodeFrontendSettings(std::string_view body);

// Those of the list that include and exclude let through, each name once, kDataSourcesMax at most;
// `left_out` counts those beyond, and those whose name is too long. REQUIRES: valid expressions.
struct ChosenDataSources {
  std::vector<GrafanaDataSource> sources;
  size_t left_out = 0;
};
ChosenDataSources ChooseDataSources(std::vector<GrafanaDataSource> list,
                                    const GrafanaOptions& options);

// The metrics source that it is: named "<grafana>/<data source>", asked through Grafana's proxy.
MetricsSourceOptions MetricsSourceOf(const GrafanaOptions& options,
                                     const GrafanaDataSource& source);

}  // namespace alertjoin
