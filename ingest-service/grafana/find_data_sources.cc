#include "ingest-service/grafana/find_data_sources.h"

#include <fmt/format.h>
#include <prometheus/registry.h>

#include <future>

#include "common/status/status.h"
#include "ingest-service/grafana/grafana_discovery.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/task_loop.h"

namespace alertjoin {

absl::StatusOr<std::vector<MetricsSourceOptions>> FindDataSources(const GrafanaOptions& options,
                                                                  const Clock& clock) {
  prometheus::Registry unseen;
  CurlHttpTransport transport;
  HttpClient client(options.terms.http, transport, clock);
  std::vector<MetricsSourceOptions> sources;
  std::promise<absl::Status> looked;
  bool told = false;
  TaskLoop loop("grafana-sources", clock);
  GrafanaDiscovery discovery(options, {client, loop, clock, unseen},
                             [&](const std::vector<GrafanaDataSource>& found) {
                               for (const GrafanaDataSource& source : found) {
                                 sources.push_back(MetricsSourceOf(options, source));
                               }
                             });
  loop.Start([&] {
    if (told) return Timestamp::Max();
    const Timestamp next = discovery.Step();
    if (!discovery.looked()) return next;
    told = true;
    looked.set_value(discovery.state());
    return Timestamp::Max();
  });
  const absl::Status state = looked.get_future().get();
  loop.Stop();
  transport.Stop();
  if (sources.empty() && !state.ok()) {
    return Annotate(state, fmt::format("grafana {}", options.name));
  }
  return sources;
}

}  // namespace alertjoin
