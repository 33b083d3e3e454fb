#include "correlator-service/app/correlator_config.h"

#include "common/config/yaml_reader.h"
#include "common/service/log_config.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kLongest = std::chrono::hours(24 * 3650);

size_t Count(YamlNode node, size_t default_value) {
  return static_cast<size_t>(node.Int(static_cast<int64_t>(default_value), 1, 1'000'000'000));
}

uint64_t ByteLimit(YamlNode node, uint64_t default_value) {
  return node.Bytes(default_value, uint64_t{1} << 20, uint64_t{1} << 40);
}

absl::StatusOr<CorrelatorConfig> Read(YamlDocument& document) {
  CorrelatorConfig config;
  YamlNode root = document.root();
  YamlNode grpc = root.Child("grpc");
  config.grpc_listen_address = grpc.Child("listen_address").String(config.grpc_listen_address);
  grpc.Finish();
  YamlNode http = root.Child("http");
  config.http_listen_address = http.Child("listen_address").String(config.http_listen_address);
  http.Finish();
  YamlNode data = root.Child("data");
  config.data_path = data.Child("path").String(config.data_path);
  data.Finish();
  YamlNode retention = root.Child("retention");
  config.sample_retention = retention.Child("samples").Duration(config.sample_retention,
                                                                std::chrono::minutes(1), kLongest);
  config.row_retention =
      retention.Child("rows").Duration(config.row_retention, std::chrono::minutes(1), kLongest);
  retention.Finish();
  YamlNode limits = root.Child("limits");
  config.series_max = Count(limits.Child("series"), config.series_max);
  config.rows_max = Count(limits.Child("rows"), config.rows_max);
  config.source_series_max = Count(limits.Child("source_series"), config.source_series_max);
  config.source_alerts_max = Count(limits.Child("source_alerts"), config.source_alerts_max);
  config.sample_bytes_max = ByteLimit(limits.Child("sample_bytes"), config.sample_bytes_max);
  config.series_bytes_max = ByteLimit(limits.Child("series_bytes"), config.series_bytes_max);
  config.row_bytes_max = ByteLimit(limits.Child("row_bytes"), config.row_bytes_max);
  config.log_bytes_max = ByteLimit(limits.Child("log_bytes"), config.log_bytes_max);
  config.change_log_bytes_max =
      ByteLimit(limits.Child("change_log_bytes"), config.change_log_bytes_max);
  config.subscribers_max = Count(limits.Child("subscribers"), config.subscribers_max);
  limits.Finish();
  config.log_level = ReadLogLevel(root.Child("log"));
  root.Finish();
  RETURN_IF_ERROR(document.status());
  return config;
}

}  // namespace

EngineLimits EngineLimitsOf(const CorrelatorConfig& config) {
  EngineLimits limits;
  limits.series_max = config.series_max;
  limits.rows_max = config.rows_max;
  limits.source_series_max = config.source_series_max;
  limits.source_alerts_max = config.source_alerts_max;
  limits.sample_bytes_max = config.sample_bytes_max;
  limits.series_bytes_max = config.series_bytes_max;
  limits.row_bytes_max = config.row_bytes_max;
  return limits;
}

absl::StatusOr<CorrelatorConfig> ReadCorrelatorConfig(const std::string& path) {
  YamlDocument document = YamlDocument::FromFile(path);
  return Read(document);
}

absl::StatusOr<CorrelatorConfig> ParseCorrelatorConfig(std::string_view text,
                                                       const std::string& name) {
  YamlDocument document(text, name);
  return Read(document);
}

absl::StatusOr<std::string> ShowCorrelatorConfig(const std::string& path) {
  YamlDocument document = YamlDocument::FromFile(path);
  RETURN_IF_ERROR(Read(document).status());
  return document.Effective();
}

std::vector<std::string> CorrelatorConfigKeys(std::string_view text) {
  YamlDocument document(text, "");
  CHECK(Read(document).ok());
  return document.KeysAskedFor();
}

}  // namespace alertjoin
