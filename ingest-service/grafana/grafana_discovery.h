#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/metrics/owned_gauge.h"
#include "common/time/clock.h"
#include "ingest-service/grafana/data_sources.h"
#include "ingest-service/grafana/grafana_options.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/http_transport.h"

namespace alertjoin {

// Looks again and again which Prometheus data sources a Grafana has: in its list of data sources,
// else, where the token may not see that, in its frontend settings, else the configured uids. What
// was found stays while Grafana cannot be asked, and is gone when it is missing twice in a row.
//
// Everything, the constructor apart, runs on the executor's thread. What is passed in must outlive
// it, and the transport may not call back once it is gone.
class GrafanaDiscovery {
 public:
  struct Environment {
    HttpTransport& transport;
    Executor& executor;
    const Clock& clock;
    prometheus::Registry& registry;
  };
  // Gets all data sources whenever they are others than before.
  using OnChange = std::function<void(const std::vector<GrafanaDataSource>&)>;

  // REQUIRES: valid options.
  GrafanaDiscovery(GrafanaOptions options, Environment environment, OnChange on_change);

  // Starts looking when it is time. Gives when to call it again; the end of a look may make that
  // earlier.
  Timestamp Step();

  // Whether it has looked once, with whatever outcome.
  bool looked() const { return looked_; }
  // How the last look fared: OK, or why nothing was told.
  const absl::Status& state() const { return state_of_look_; }

 private:
  using Found = absl::StatusOr<std::vector<GrafanaDataSource>>;
  using Decode = Found (*)(std::string_view);

  // Asks for a path, and calls `then` on the executor's thread.
  void Ask(const std::string& path, Decode decode, std::function<void(Found)> then);
  void OnList(Found list);
  // Neither list could be had: `why` the first could not.
  void OnNoList(const absl::Status& why);
  void Finish(std::vector<GrafanaDataSource> list, const absl::Status& state);
  void Report(const absl::Status& state);

  const GrafanaOptions options_;
  const Environment environment_;
  const OnChange on_change_;

  bool running_ = false;
  bool looked_ = false;
  Timestamp next_ = Timestamp::Min();
  std::map<GrafanaDataSource, int> known_;  // With how often each was missing since.
  absl::Status state_of_look_ = absl::UnknownError("not asked yet");
  LogLimiter log_limiter_;
  prometheus::Family<prometheus::Gauge>& states_;
  std::map<std::string_view, OwnedGauge> state_;  // By the word for it, once it is known.
  OwnedGauge count_;
};

}  // namespace alertjoin
