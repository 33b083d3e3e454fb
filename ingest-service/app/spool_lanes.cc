#include "ingest-service/app/spool_lanes.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "common/eventlog/durable_folder.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kAlerts[] = "alerts";

// Until lanes came, the database stood in the folder itself. What waits there would be forgotten.
absl::Status CheckLayout(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder + "/CURRENT", error)) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(fmt::format(
          "spool {0}: holds the one log of an earlier version, which this one does not read: run "
          "the earlier version until the correlator has taken what waits there, then move {0} "
          "away; or give spool.path another folder, and what waits there stays behind",
          folder)),
      "SPOOL_LAYOUT_OLD");
}

absl::StatusOr<std::unique_ptr<RocksdbEventLog>> OpenLog(const SpoolLanes::Options& options,
                                                         const std::string& lane,
                                                         uint64_t bytes_max,
                                                         prometheus::Registry& registry) {
  RocksdbEventLog::Options log;
  log.folder = options.folder + "/" + lane;
  log.bytes_max = bytes_max;
  log.on_failure = options.on_failure;
  log.env = options.env;
  log.on_sync = [&seconds = SpoolSyncSeconds(registry, lane)](std::chrono::duration<double> took) {
    seconds.Observe(took.count());
  };
  return RocksdbEventLog::Open(std::move(log));
}

UplinkOptions UplinkOf(UplinkOptions options, const std::string& lane, CorrelatorStore* store) {
  options.lane = lane;
  options.store = store;
  return options;
}

// What is appended while it waits is not waited for.
void Drain(Spool& spool, const Uplink& uplink, std::chrono::steady_clock::time_point deadline) {
  if (!uplink.connected()) return;
  spool.WaitAcknowledged(LogPosition(spool.bounds().next.value() - 1), deadline);
}

}  // namespace

SpoolLanes::SpoolLanes(const Options& options, std::unique_ptr<RocksdbEventLog> alert_log,
                       std::unique_ptr<RocksdbEventLog> sample_log, const Clock& clock,
                       prometheus::Registry& registry)
    : clock_(clock),
      alert_log_(std::move(alert_log)),
      sample_log_(std::move(sample_log)),
      alert_metrics_(registry, kAlerts),
      alerts_(*alert_log_, options.alert_bytes_max, &alert_metrics_, {kHeldFor, &clock}),
      samples_(*sample_log_, options.sample_bytes_max, clock, registry),
      alert_uplink_(UplinkOf(options.uplink, kAlerts, nullptr), alerts_, clock, registry),
      sample_uplink_(UplinkOf(options.uplink, SampleLane::kName, &correlator_store_),
                     samples_.spool(), clock, registry) {}

absl::StatusOr<std::unique_ptr<SpoolLanes>> SpoolLanes::Open(Options options, const Clock& clock,
                                                             prometheus::Registry& registry) {
  RETURN_IF_ERROR(CheckLayout(options.folder));
  RETURN_IF_ERROR(Annotate(MakeDurableFolders(options.folder), "spool"));
  ASSIGN_OR_RETURN(auto alert_log, OpenLog(options, kAlerts, options.alert_bytes_max, registry));
  ASSIGN_OR_RETURN(auto sample_log,
                   OpenLog(options, SampleLane::kName, options.sample_bytes_max, registry));
  return std::unique_ptr<SpoolLanes>(
      new SpoolLanes(options, std::move(alert_log), std::move(sample_log), clock, registry));
}

SpoolLanes::~SpoolLanes() { Stop({}); }

void SpoolLanes::Start() {
  alert_uplink_.Start();
  sample_uplink_.Start();
}

void SpoolLanes::Stop(std::chrono::steady_clock::duration drain) {
  const auto deadline = clock_.SteadyNow() + drain;
  Drain(alerts_, alert_uplink_, deadline);
  Drain(samples_.spool(), sample_uplink_, deadline);
  alert_uplink_.Stop();
  sample_uplink_.Stop();
}

absl::Status SpoolLanes::health() const {
  RETURN_IF_ERROR(alert_log_->health());
  return sample_log_->health();
}

}  // namespace alertjoin
