#pragma once

#include <prometheus/registry.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/rocksdb_event_log.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/uplink/uplink.h"

namespace alertjoin {

// Where what has been backfilled is remembered, and where the subcommand has its spools.
std::string BackfillFolderOf(const IngestConfig& config);

// The subcommand's own way to the correlator: a log on disk, a spool over it and an uplink, under a
// producer id of their own. The service, which may run meanwhile, has another. What the last
// process left there goes first. Thread-safe but for Connect.
class BackfillSpool final : public SampleSink {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `hash` tells it from those of other backfills. The errors of RocksdbEventLog::Open, such as
  // LOG_IN_USE while the same one runs; UNAVAILABLE when the folder cannot be made.
  static absl::StatusOr<std::unique_ptr<BackfillSpool>> Open(const IngestConfig& config,
                                                             const std::string& hash);

  // RESOURCE_EXHAUSTED while the correlator has not taken enough of what is there.
  absl::Status Append(std::span<const Event> events) override;

  // Starts the uplink and waits until the correlator takes events. UNAVAILABLE when it does not.
  // REQUIRES: called once.
  absl::Status Connect();
  // Waits until everything is acknowledged. False when the deadline has passed before.
  bool WaitAcknowledged(Deadline deadline);

  uint64_t waiting() const { return spool_.waiting(); }
  LogPosition acknowledged() const { return spool_.acknowledged(); }
  std::optional<Millis> sample_retention() const { return uplink_.sample_retention(); }
  // Of the newest welcome. REQUIRES: connected.
  CorrelatorStore::Known store() const { return store_.known().value(); }
  absl::Status health() const { return log_->health(); }
  // The error that the correlator does not answer.
  absl::Status Unreachable() const;

 private:
  BackfillSpool(std::unique_ptr<RocksdbEventLog> log, UplinkOptions uplink);

  const std::string address_;
  prometheus::Registry registry_;
  const std::unique_ptr<RocksdbEventLog> log_;
  Spool spool_;
  CorrelatorStore store_;
  Uplink uplink_;
};

}  // namespace alertjoin
