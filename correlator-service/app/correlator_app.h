#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "correlator-service/app/correlator_config.h"

namespace alertjoin {

// The whole service: row store, pipeline, gRPC and HTTP servers, started and stopped in order.
// Start, ports and Stop from one thread.
class CorrelatorApp {
 public:
  // Everything runs and health is SERVING when this returns. UNAVAILABLE when an address cannot be
  // bound; nothing runs then.
  static absl::StatusOr<std::unique_ptr<CorrelatorApp>> Start(const CorrelatorConfig& config);
  ~CorrelatorApp();  // Stops.

  int grpc_port() const;
  int http_port() const;

  // Ends the streams with UNAVAILABLE, applies what was taken, and stops. Idempotent.
  void Stop();

 private:
  struct Parts;
  explicit CorrelatorApp(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace alertjoin
