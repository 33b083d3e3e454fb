#pragma once

// How a failure of an event log's disk is told, and how one of RocksDB's own threads is heard of.

#include <rocksdb/listener.h>

#include <string>

#include "absl/status/status.h"
#include "common/eventlog/failure_latch.h"

namespace alertjoin {

// UNAVAILABLE, reason LOG_FAILED: a write or sync of the log in `folder` came to `status`.
absl::Status LogFailedError(const std::string& folder, const rocksdb::Status& status);

// Latches what fails in RocksDB's own threads, which flush and compact: no append may be
// acknowledged after that, either. RocksDB does not try again by itself. Thread-safe.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  // `latch` outlives the database that this listens to.
  BackgroundErrors(std::string folder, FailureLatch& latch);

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status status,
                            bool* auto_recovery) override;

 private:
  const std::string folder_;
  FailureLatch& latch_;
};

}  // namespace alertjoin
