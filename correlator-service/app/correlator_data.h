#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/rocksdb_event_log.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/recovery.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/rows/durable_row_store.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {

// All that correlator-service keeps: the event log and the rows, in two folders of one, and the
// engine that follows from them.
class CorrelatorData {
 public:
  struct Options {
    std::string folder;  // Made when missing.
    uint64_t log_bytes_max = 0;
    uint64_t change_log_bytes_max = 0;
    EngineLimits limits;
    // Called when the log or the rows can be written no more, on any thread, maybe twice. It must
    // not block.
    std::function<void(const absl::Status&)> on_failure;
    // For tests; null is the machine's.
    std::shared_ptr<rocksdb::Env> env = nullptr;
  };

  // Opens what is there, or makes it. Errors as those of RocksdbEventLog and RowDatabase. The
  // registry must outlive it.
  static absl::StatusOr<std::unique_ptr<CorrelatorData>> Open(Options options,
                                                              prometheus::Registry& registry);

  // Once, before anything else is asked for. See recovery.h.
  absl::Status Recover(const RecoveryProgress& on_progress);

  Engine& engine() { return engine_; }
  RoundLog& log() { return round_log_; }
  DurableRowStore& store() { return store_; }

  // OK, or why nothing more is taken.
  absl::Status health() const;

 private:
  CorrelatorData(const Options& options, std::unique_ptr<RocksdbEventLog> log,
                 std::unique_ptr<RowDatabase> database, prometheus::Registry& registry);

  const std::unique_ptr<RocksdbEventLog> log_;
  const std::unique_ptr<RowDatabase> database_;
  RoundLog round_log_;
  Engine engine_;
  DurableRowStore store_;
};

}  // namespace alertjoin
