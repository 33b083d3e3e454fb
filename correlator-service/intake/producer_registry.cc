#include "correlator-service/intake/producer_registry.h"

#include <fmt/format.h>

#include "common/status/error_reason.h"

namespace alertjoin {

absl::StatusOr<std::shared_ptr<ProducerLog>> ProducerRegistry::Find(const std::string& producer_id,
                                                                    const std::string& log_id) {
  MutexLock lock(mutex_);
  const std::pair key(producer_id, log_id);
  auto entry = logs_.find(key);
  if (entry == logs_.end()) {
    if (logs_.size() >= logs_max_ && !MakeRoom()) {
      return MakeError(
          "TOO_MANY_PRODUCERS",
          fmt::format("hello: {} producers are connected, no more are taken: stop some of them",
                      logs_max_));
    }
    entry = logs_.emplace(key, Entry{std::make_shared<ProducerLog>(), 0}).first;
  }
  entry->second.last_found = ++finds_;
  return entry->second.log;
}

void ProducerRegistry::Restore(const std::vector<ProducerPosition>& positions) {
  MutexLock lock(mutex_);
  for (const ProducerPosition& known : positions) {
    auto log = std::make_shared<ProducerLog>(known.epoch, known.last_sequence);
    logs_[{known.producer_id, known.log_id}] = Entry{std::move(log), ++finds_};
  }
}

bool ProducerRegistry::MakeRoom() {
  auto oldest = logs_.end();
  for (auto entry = logs_.begin(); entry != logs_.end(); ++entry) {
    // A count of one is final: further references come from Find only, under the same lock.
    if (entry->second.log.use_count() > 1) continue;
    if (oldest == logs_.end() || entry->second.last_found < oldest->second.last_found) {
      oldest = entry;
    }
  }
  if (oldest == logs_.end()) return false;
  logs_.erase(oldest);
  return true;
}

size_t ProducerRegistry::size() const {
  MutexLock lock(mutex_);
  return logs_.size();
}

}  // namespace alertjoin
