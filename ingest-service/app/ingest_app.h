#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ingest-service/app/ingest_config.h"

namespace alertjoin {

// The whole service: spool, uplink, metrics sources and webhook, started and stopped in order.
// Start, port and Stop from one thread.
class IngestApp {
 public:
  // Webhooks are taken when this returns; the correlator may still be out of reach. UNAVAILABLE
  // when the address cannot be bound, INVALID_ARGUMENT when the configuration cannot work; nothing
  // runs then.
  static absl::StatusOr<std::unique_ptr<IngestApp>> Start(const IngestConfig& config);
  ~IngestApp();  // Stops.

  int http_port() const;

  // Answers the webhooks that wait with 503, and stops. Idempotent.
  void Stop();

 private:
  struct Parts;
  explicit IngestApp(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace alertjoin
