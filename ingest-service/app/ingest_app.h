#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest-service/app/ingest_config.h"

namespace alertjoin {

// The whole service: spool and uplinks, metrics sources and webhook, started and stopped in order.
// Start, port and Stop from one thread.
class IngestApp {
 public:
  // Webhooks are taken when this returns; the correlator may still be out of reach. UNAVAILABLE
  // when the address cannot be bound, INVALID_ARGUMENT when the configuration cannot work, the
  // errors of SpoolLanes::Open and DeadLetters::Open; nothing runs then.
  static absl::StatusOr<std::unique_ptr<IngestApp>> Start(const IngestConfig& config);
  ~IngestApp();  // Stops.

  int http_port() const;
  // UNAVAILABLE once the spool has failed: nothing is taken any more.
  absl::Status health() const;

  // Stops, after a moment in which the correlator may take what is spooled. Idempotent.
  void Stop();

 private:
  struct Parts;
  explicit IngestApp(std::unique_ptr<Parts> parts);
  static void Rebind(const IngestConfig& config, const std::vector<MetricsSourceOptions>& found,
                     Parts& parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace alertjoin
