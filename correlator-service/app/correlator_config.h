#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/service/listener_flags.h"
#include "common/time/timestamp.h"
#include "correlator-service/join/engine.h"

namespace alertjoin {

// The configuration of correlator-service; README.md lists the keys.
struct CorrelatorConfig {
  std::string grpc_listen_address = "127.0.0.1:9750";
  std::string http_listen_address = "127.0.0.1:9751";
  std::string data_path = "correlator-data";
  Millis sample_retention = std::chrono::hours(6);
  Millis row_retention = std::chrono::hours(24 * 90);
  size_t series_max = 1'000'000;
  size_t rows_max = 2'000'000;
  size_t source_series_max = 750'000;
  size_t source_alerts_max = 500'000;
  uint64_t sample_bytes_max = uint64_t{4} << 30;
  uint64_t series_bytes_max = uint64_t{2} << 30;
  uint64_t row_bytes_max = uint64_t{4} << 30;
  uint64_t log_bytes_max = uint64_t{16} << 30;
  uint64_t change_log_bytes_max = uint64_t{4} << 30;
  size_t subscribers_max = 1'000;
  std::optional<LogLevel> log_level;  // Nothing: that of the command line.
  ListenerFlags listeners;            // Not of the file.
};

// The part of it that the engine is held to.
EngineLimits EngineLimitsOf(const CorrelatorConfig& config);

// INVALID_ARGUMENT with file, line and column for the first fault.
absl::StatusOr<CorrelatorConfig> ReadCorrelatorConfig(const std::string& path);
// The same for a text; `name` is what messages call it.
absl::StatusOr<CorrelatorConfig> ParseCorrelatorConfig(std::string_view text,
                                                       const std::string& name);

// What holds with this file, as YAML: defaults filled in, secrets as <secret>. The same errors.
absl::StatusOr<std::string> ShowCorrelatorConfig(const std::string& path);
// Every key that is asked for while the text is read: "a.b", "list[].c". For what is documented of
// them. REQUIRES: no faults.
std::vector<std::string> CorrelatorConfigKeys(std::string_view text);

}  // namespace alertjoin
