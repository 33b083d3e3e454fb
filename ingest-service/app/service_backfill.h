#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/time/clock.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/backfill/backfill_runner.h"
#include "ingest-service/spool/sample_lane.h"

namespace alertjoin {

// The backfills that the configuration wants, beside the polls: through the same lane of the spool,
// but only while little waits there, so that they hold up no live sample and push none out. Start
// and destruction from one thread.
class ServiceBackfill {
 public:
  // Starts them; null when none are wanted. INVALID_ARGUMENT when a time range is empty,
  // UNAVAILABLE when the folder of what is done cannot be made. Lane, registry and clock must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<ServiceBackfill>> Start(const IngestConfig& config,
                                                                SampleLane& lane,
                                                                prometheus::Registry& registry,
                                                                const Clock& clock);
  ~ServiceBackfill();  // Stops.

  // INVALID_ARGUMENT as Start.
  static absl::Status Check(const IngestConfig& config, const Clock& clock);

 private:
  class PatientSink;
  struct Metrics;

  ServiceBackfill(SampleLane& lane, prometheus::Registry& registry);
  void Publish();

  const std::unique_ptr<PatientSink> sink_;
  const std::unique_ptr<Metrics> metrics_;
  bool told_ = false;  // Of the end.
  std::unique_ptr<BackfillRunner> runner_;
};

}  // namespace alertjoin
