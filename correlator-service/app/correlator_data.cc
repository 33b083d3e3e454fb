#include "correlator-service/app/correlator_data.h"

#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <utility>

#include "common/eventlog/durable_folder.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/log_metrics.h"

namespace alertjoin {
namespace {

absl::Status MakeFolder(const std::string& folder) {
  const absl::Status made = MakeDurableFolders(folder);
  if (made.ok()) return made;
  return absl::UnavailableError(fmt::format(
      "data folder {}: set data.path to a folder that this process may write to", MessageOf(made)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CorrelatorData>> CorrelatorData::Open(
    Options options, prometheus::Registry& registry) {
  RETURN_IF_ERROR(MakeFolder(options.folder));
  RocksdbEventLog::Options log_options;
  log_options.folder = options.folder + "/log";
  // The bound is RoundLog's, which knows what must be taken however full the log is.
  log_options.bytes_max = std::numeric_limits<uint64_t>::max();
  log_options.on_failure = options.on_failure;
  log_options.env = options.env;
  log_options.on_sync = [&seconds = LogSyncSeconds(registry)](std::chrono::duration<double> took) {
    seconds.Observe(took.count());
  };
  ASSIGN_OR_RETURN(auto log, RocksdbEventLog::Open(std::move(log_options)));
  RowDatabase::Options row_options;
  row_options.folder = options.folder + "/rows";
  row_options.change_log.bytes_max = options.change_log_bytes_max;
  row_options.on_failure = options.on_failure;
  row_options.env = options.env;
  ASSIGN_OR_RETURN(auto database, RowDatabase::Open(std::move(row_options)));
  return std::unique_ptr<CorrelatorData>(
      new CorrelatorData(options, std::move(log), std::move(database), registry));
}

CorrelatorData::CorrelatorData(const Options& options, std::unique_ptr<RocksdbEventLog> log,
                               std::unique_ptr<RowDatabase> database,
                               prometheus::Registry& registry)
    : log_(std::move(log)),
      database_(std::move(database)),
      round_log_(*log_, {.bytes_max = options.log_bytes_max}),
      engine_(options.limits),
      store_(registry, *database_) {}

absl::Status CorrelatorData::Recover(const RecoveryProgress& on_progress) {
  return alertjoin::Recover({round_log_, log_->id(), *database_, store_, engine_}, on_progress);
}

absl::Status CorrelatorData::health() const {
  RETURN_IF_ERROR(log_->health());
  return database_->health();
}

}  // namespace alertjoin
