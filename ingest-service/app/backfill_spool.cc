#include "ingest-service/app/backfill_spool.h"

#include <fmt/format.h>

#include <utility>

#include "common/eventlog/durable_folder.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr uint64_t kSpoolBytes = uint64_t{64} << 20;
constexpr auto kConnectTimeout = std::chrono::seconds(15);

UplinkOptions WithStore(UplinkOptions options, CorrelatorStore* store) {
  options.store = store;
  return options;
}

}  // namespace

std::string BackfillFolderOf(const IngestConfig& config) { return config.spool_path + "/backfill"; }

BackfillSpool::BackfillSpool(std::unique_ptr<RocksdbEventLog> log, UplinkOptions uplink)
    : address_(uplink.address),
      log_(std::move(log)),
      spool_(*log_, kSpoolBytes),
      uplink_(WithStore(std::move(uplink), &store_), spool_, SystemClock(), registry_) {}

absl::StatusOr<std::unique_ptr<BackfillSpool>> BackfillSpool::Open(const IngestConfig& config,
                                                                   const std::string& hash) {
  const std::string folder = BackfillFolderOf(config);
  RETURN_IF_ERROR(Annotate(MakeDurableFolders(folder), "backfill"));
  RocksdbEventLog::Options log;
  log.folder = folder + "/" + hash;
  log.bytes_max = 2 * kSpoolBytes;
  ASSIGN_OR_RETURN(auto opened, RocksdbEventLog::Open(std::move(log)));
  UplinkOptions uplink;
  uplink.address = config.correlator_address;
  uplink.client = config.correlator_client;
  uplink.producer_id = fmt::format("{}-backfill-{}", config.producer_id, hash);
  uplink.version = ALERTJOIN_VERSION;
  uplink.lane = "backfill";
  return std::unique_ptr<BackfillSpool>(new BackfillSpool(std::move(opened), std::move(uplink)));
}

absl::Status BackfillSpool::Append(std::span<const Event> events) {
  return spool_.Append(events).status();
}

absl::Status BackfillSpool::Connect() {
  uplink_.Start();
  const bool connected = uplink_.WaitConnected(SystemClock().SteadyNow() + kConnectTimeout);
  return connected ? absl::OkStatus() : Unreachable();
}

bool BackfillSpool::WaitAcknowledged(Deadline deadline) {
  return spool_.WaitAcknowledged(LogPosition(spool_.bounds().next.value() - 1), deadline);
}

absl::Status BackfillSpool::Unreachable() const {
  return absl::UnavailableError(fmt::format(
      "backfill: no answer from the correlator at {}: what was done is kept, start this "
      "again when it is there",
      address_));
}

}  // namespace alertjoin
