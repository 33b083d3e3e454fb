#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "ingest-service/app/ingest_config.h"

namespace rocksdb {
class Env;
}

namespace alertjoin {

// The whole service: spool and uplinks, metrics sources and webhook, started and stopped in order.
// Start, port and Stop from one thread; Reload from any, between them.
class IngestApp {
 public:
  // Gives the configuration anew.
  using ReadConfig = std::function<absl::StatusOr<IngestConfig>()>;

  // Webhooks are taken when this returns; the correlator may still be out of reach. UNAVAILABLE
  // when the address cannot be bound, INVALID_ARGUMENT when the configuration cannot work, the
  // errors of SpoolLanes::Open and DeadLetters::Open; nothing runs then.
  // `read` is for Reload, which POST and PUT /-/reload call, too; without it that is refused.
  // `env` is for tests: where the spool is; null is the machine's disk.
  static absl::StatusOr<std::unique_ptr<IngestApp>> Start(
      const IngestConfig& config, ReadConfig read = nullptr,
      std::shared_ptr<rocksdb::Env> env = nullptr);
  ~IngestApp();  // Stops.

  int http_port() const;
  // UNAVAILABLE once the spool has failed: nothing is taken any more.
  absl::Status health() const;

  // Goes over to the configuration as it is now. Webhooks are taken meanwhile, and what is spooled
  // stays. FAILED_PRECONDITION for keys that need a restart (producer_id, correlator, http, spool,
  // dead_letters), the errors of `read` and of IngestSources::Reload: all is as before then.
  absl::Status Reload();

  // Stops, after a moment in which the correlator may take what is spooled. Idempotent.
  void Stop();

 private:
  struct Parts;
  explicit IngestApp(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace alertjoin
