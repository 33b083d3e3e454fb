#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/net/grpc_channel.h"
#include "common/service/listener_flags.h"
#include "common/time/timestamp.h"
#include "ingest-service/alertmanager/heartbeats.h"
#include "ingest-service/alertmanager/sender_auth.h"
#include "ingest-service/app/reconcile_config.h"
#include "ingest-service/binding/rule_binder.h"
#include "ingest-service/grafana/grafana_options.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// The configuration of ingest-service; README.md lists the keys.
struct IngestConfig {
  std::string producer_id;  // Default: the host's name.
  std::string correlator_address = "127.0.0.1:9750";
  GrpcClientOptions correlator_client;
  std::string http_listen_address = "127.0.0.1:9752";
  std::vector<std::string> alert_sources{"alertmanager"};  // The first one is the default.
  // What the senders of each must show, by its name.
  std::map<std::string, SenderAuthOptions> sender_auth;
  std::map<std::string, HeartbeatOptions> heartbeats;  // Of each, by its name.
  std::string value_annotation = "value";
  std::string spool_path = "ingest-spool";  // A folder; made when it is missing.
  uint64_t spool_alert_bytes_max = uint64_t{256} << 20;
  uint64_t spool_sample_bytes_max = uint64_t{1} << 30;
  uint64_t dead_letters_count_max = 1000;
  uint64_t dead_letters_bytes_max = uint64_t{64} << 20;
  std::vector<MetricsSourceOptions> metrics_sources;
  std::vector<GrafanaOptions> grafana_sources;
  std::vector<BindingRule> bindings;
  ReconcileOptions reconcile;
  std::optional<LogLevel> log_level;  // Nothing: that of the command line.
  ListenerFlags listeners;            // Not of the file.
};

// The folder of the dead letters.
std::string DeadLetterFolderOf(const IngestConfig& config);

// INVALID_ARGUMENT with file, line and column for the first fault.
absl::StatusOr<IngestConfig> ReadIngestConfig(const std::string& path);
// The same for a text; `name` is what messages call it.
absl::StatusOr<IngestConfig> ParseIngestConfig(std::string_view text, const std::string& name);

// What holds with this file, as YAML: defaults filled in, secrets as <secret>. The same errors.
absl::StatusOr<std::string> ShowIngestConfig(const std::string& path);
// Every key that is asked for while the text is read: "a.b", "list[].c". For what is documented of
// them. REQUIRES: no faults.
std::vector<std::string> IngestConfigKeys(std::string_view text);

}  // namespace alertjoin
