#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "correlator-service/app/correlator_config.h"

namespace rocksdb {
class Env;
}

namespace alertjoin {

// The whole service: data, pipeline, gRPC and HTTP servers, started and stopped in order.
// Start, ports and Stop from one thread; Reload from any, between them.
class CorrelatorApp {
 public:
  // Gives the configuration anew.
  using ReadConfig = std::function<absl::StatusOr<CorrelatorConfig>()>;

  // Everything runs, what was kept is read, and health is SERVING when this returns. HTTP tells of
  // the progress meanwhile. UNAVAILABLE when an address cannot be bound; CANCELLED when the process
  // is asked to stop (StopRequested); other errors as those of CorrelatorData. Nothing runs then.
  // `read` is for Reload, which POST and PUT /-/reload call, too; without it that is refused.
  // `env` is for tests: where the data is; null is the machine's disk.
  static absl::StatusOr<std::unique_ptr<CorrelatorApp>> Start(
      const CorrelatorConfig& config, ReadConfig read = nullptr,
      std::shared_ptr<rocksdb::Env> env = nullptr);
  ~CorrelatorApp();  // Stops.

  int grpc_port() const;
  int http_port() const;

  // OK, or why events can be kept no more: health is NOT_SERVING then, /-/ready says why, and the
  // process has been asked to stop.
  absl::Status health() const;

  // Goes over to the configuration as it is now: retention, limits.subscribers, log.
  // FAILED_PRECONDITION for the other keys, which need a restart, UNAVAILABLE before what was kept
  // is read, the errors of `read`: all is as before then.
  absl::Status Reload();

  // Ends the streams with UNAVAILABLE, applies what was taken, and stops. Idempotent.
  void Stop();

 private:
  struct Parts;
  explicit CorrelatorApp(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace alertjoin
