#include "correlator-service/app/verify_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/eventlog/rocksdb_event_log.h"
#include "common/status/status.h"
#include "correlator-service/app/correlator_config.h"
#include "correlator-service/rows/row_database.h"
#include "correlator-service/verify/verify_rows.h"

namespace alertjoin {
namespace {

absl::StatusOr<Verification> VerifyData(const CorrelatorConfig& config) {
  RocksdbEventLog::Options log_options;
  log_options.folder = config.data_path + "/log";
  ASSIGN_OR_RETURN(const auto log, RocksdbEventLog::Open(std::move(log_options)));
  RowDatabase::Options row_options;
  row_options.folder = config.data_path + "/rows";
  ASSIGN_OR_RETURN(const auto database, RowDatabase::Open(std::move(row_options)));
  RoundLog rounds(*log, {});
  return VerifyRows(rounds, *database, EngineLimitsOf(config));
}

absl::Status Verify(const std::string& config_file) {
  ASSIGN_OR_RETURN(const CorrelatorConfig config, ReadCorrelatorConfig(config_file));
  ASSIGN_OR_RETURN(const Verification found, VerifyData(config));
  std::printf(
      "%s\n",
      fmt::format("{} log records, {} alerts, {} rows: {} compared, {} from before the samples; "
                  "{} episodes compared, {} starts of alerts in the log",
                  found.records, found.alerts, found.rows, found.rows_compared, found.rows_kept,
                  found.episodes_compared, found.starts_compared)
          .c_str());
  if (found.maybe_refused > 0) {
    std::printf("%s\n", fmt::format("{} alerts or rows of the log are not there and may have been "
                                    "refused at a limit, since one was reached: whether they were "
                                    "cannot be told; the first: {}",
                                    found.maybe_refused, found.maybe_refused_example)
                            .c_str());
  }
  for (const std::string& example : found.examples) std::printf("%s\n", example.c_str());
  if (found.differences == 0) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{} rows or alerts differ from what the log says: keep a copy of {} and report "
                  "it as a fault of "
                  "alertjoin, unless series were refused at a limit",
                  found.differences, config.data_path));
}

}  // namespace

ServiceCommand VerifyCommand() {
  return {"verify",
          "Make all rows and alerts anew from the event log, compare them with those that are "
          "stored, and exit. The service must not be running",
          {},
          [](const CommandArguments& arguments) { return Verify(arguments.config_file); }};
}

}  // namespace alertjoin
