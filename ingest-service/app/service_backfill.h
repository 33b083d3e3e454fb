#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/time/clock.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/backfill/backfill_runner.h"
#include "ingest-service/spool/sample_lane.h"
#include "ingest-service/uplink/correlator_store.h"

namespace alertjoin {

// The backfills that the configuration wants, beside the polls: through the same lane of the spool,
// but only while little waits there, so that they hold up no live sample and push none out. They
// begin with the correlator's first welcome, and anew, of the time up to then, whenever it comes
// back without what it had. Start and destruction from one thread.
class ServiceBackfill {
 public:
  // Starts them; null when none are wanted. INVALID_ARGUMENT when a time range is empty,
  // UNAVAILABLE when the folder of what is done cannot be made. All but the configuration must
  // outlive it. `store`: where the lane leads.
  static absl::StatusOr<std::unique_ptr<ServiceBackfill>> Start(const IngestConfig& config,
                                                                SampleLane& lane,
                                                                CorrelatorStore& store,
                                                                prometheus::Registry& registry,
                                                                const Clock& clock);
  ~ServiceBackfill();  // Stops.

  // INVALID_ARGUMENT as Start.
  static absl::Status Check(const IngestConfig& config, const Clock& clock);

 private:
  class PatientSink;
  struct Metrics;

  ServiceBackfill(const IngestConfig& config, SampleLane& lane, CorrelatorStore& store,
                  prometheus::Registry& registry, const Clock& clock);
  // The thread: a runner for each store that the correlator has had.
  void Follow();
  absl::Status Begin(const CorrelatorStore::Known& store, bool again);
  // On the runner's thread.
  void Publish();

  const IngestConfig config_;
  const std::unique_ptr<PatientSink> sink_;
  CorrelatorStore& store_;
  const std::unique_ptr<Metrics> metrics_;
  const Clock& clock_;
  bool told_ = false;  // Of the end of this runner.
  std::unique_ptr<BackfillRunner> runner_;
  bool cancelled_ = false;  // Of store_.
  std::thread thread_;
};

}  // namespace alertjoin
