#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "correlator-service/intake/producer_log.h"

namespace alertjoin {

// The logs of all producers that the correlator knows, by (producer_id, log_id). Thread-safe.
class ProducerRegistry {
 public:
  static constexpr size_t kProducerLogsMax = 1'000;

  explicit ProducerRegistry(size_t logs_max = kProducerLogsMax) : logs_max_(logs_max) {}

  // The log, made when it is unknown. At the limit the one that was found longest ago makes room,
  // as long as nobody holds it: no stream, nothing on its way. Should it come back, events whose
  // acknowledgement its producer has not seen are taken twice, which changes no row.
  // RESOURCE_EXHAUSTED, reason TOO_MANY_PRODUCERS, when all are held.
  absl::StatusOr<std::shared_ptr<ProducerLog>> Find(const std::string& producer_id,
                                                    const std::string& log_id)
      EXCLUDES_LOCK(mutex_);

  // Takes over what an earlier process knew. REQUIRES: before the first Find.
  void Restore(const std::vector<ProducerPosition>& positions) EXCLUDES_LOCK(mutex_);

  size_t size() const EXCLUDES_LOCK(mutex_);

 private:
  struct Entry {
    std::shared_ptr<ProducerLog> log;
    uint64_t last_found = 0;
  };

  bool MakeRoom() REQUIRES_LOCK(mutex_);

  const size_t logs_max_;
  mutable Mutex mutex_;
  std::map<std::pair<std::string, std::string>, Entry> logs_ GUARDED_BY(mutex_);
  uint64_t finds_ GUARDED_BY(mutex_) = 0;
};

}  // namespace alertjoin
