#pragma once

#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/rocksdb_event_log.h"
#include "common/time/clock.h"
#include "ingest-service/spool/sample_lane.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/spool/spool_metrics.h"
#include "ingest-service/uplink/correlator_store.h"
#include "ingest-service/uplink/uplink.h"

namespace alertjoin {

// The way from what was received to the correlator, in two lanes: one for alerts, of which nothing
// is ever dropped, and one for samples. Each has a log on disk, a spool over it and an uplink, so
// that neither takes room from the other or waits for it. The correlator gives the same rows
// whatever the order of events, so the lanes need not agree on one. Thread-safe but for Start and
// Stop. Clock and registry must outlive it.
class SpoolLanes {
 public:
  // Alerts stay so long although they are acknowledged, as long as there is room (Spool::Hold): the
  // queries at their times may not have been asked yet.
  static constexpr Millis kHeldFor = std::chrono::minutes(10);

  struct Options {
    // Holds the folders `alerts` and `samples`; made when missing, in a folder that is there.
    std::string folder;
    uint64_t alert_bytes_max = 0;
    uint64_t sample_bytes_max = 0;
    // Without a lane.
    UplinkOptions uplink;
    // Called when a log fails, once for each: see RocksdbEventLog.
    std::function<void(const absl::Status&)> on_failure;
    // For tests; null is the machine's.
    std::shared_ptr<rocksdb::Env> env = nullptr;
  };

  // FAILED_PRECONDITION, reason SPOOL_LAYOUT_OLD, when the folder is that of a version with one log
  // for both; the errors of RocksdbEventLog::Open; UNAVAILABLE when the folder cannot be made.
  static absl::StatusOr<std::unique_ptr<SpoolLanes>> Open(Options options, const Clock& clock,
                                                          prometheus::Registry& registry);
  ~SpoolLanes();  // Stops.

  // Starts the uplinks. REQUIRES: called once.
  void Start();
  // Stops the uplinks, after the correlator has taken what is there, if it is connected and does so
  // within `drain`. The rest waits on the disk. Idempotent.
  void Stop(std::chrono::steady_clock::duration drain);

  Spool& alerts() { return alerts_; }
  SampleLane& samples() { return samples_; }
  // Where the samples go.
  CorrelatorStore& correlator_store() { return correlator_store_; }
  // OK while both logs are well, otherwise the failure of one.
  absl::Status health() const;
  // Events that are not acknowledged.
  uint64_t waiting() const { return alerts_.waiting() + samples_.spool().waiting(); }

 private:
  SpoolLanes(const Options& options, std::unique_ptr<RocksdbEventLog> alert_log,
             std::unique_ptr<RocksdbEventLog> sample_log, const Clock& clock,
             prometheus::Registry& registry);

  const Clock& clock_;
  const std::unique_ptr<RocksdbEventLog> alert_log_;
  const std::unique_ptr<RocksdbEventLog> sample_log_;
  SpoolMetrics alert_metrics_;
  Spool alerts_;
  SampleLane samples_;
  CorrelatorStore correlator_store_;
  Uplink alert_uplink_;
  Uplink sample_uplink_;
};

}  // namespace alertjoin
