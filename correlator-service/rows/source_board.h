#pragma once

#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "common/event/event.h"
#include "common/sync/mutex.h"

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace alertjoin {

using SharedSourceStatus = std::shared_ptr<const SourceStatus>;

// How the sources fare: the newest status of each (kind, source, producer), as producers told it.
// Thread-safe: one writer, any number of readers. Metrics: alertjoin_sources,
// alertjoin_sources_refused_total.
//
// What it holds follows from the order in which it is told alone. The registry must outlive it.
class SourceBoard {
 public:
  // What is told of further ones is refused, counted, and at the first time logged.
  static constexpr size_t kSourcesMax = 10'000;

  // What a commit changes.
  struct Update {
    std::vector<SharedSourceStatus> told;  // Each of (kind, source, producer) at most once.
    std::vector<SharedSourceStatus> gone;

    bool empty() const { return told.empty() && gone.empty(); }
  };

  explicit SourceBoard(prometheus::Registry& registry);

  // The two halves of a change, for a store that keeps it in between. Prepare leaves out what is
  // older than what is known; of two of the same time the later counts. With a horizon, what was
  // told before it last is gone. Writer thread only.
  Update Prepare(std::span<const SourceStatus> told, std::optional<Timestamp> horizon) const
      EXCLUDES_LOCK(mutex_);
  // REQUIRES: `update` is what the last Prepare gave.
  void Publish(const Update& update) EXCLUDES_LOCK(mutex_);
  // What was kept, given back before the first Prepare.
  void Load(SourceStatus status) EXCLUDES_LOCK(mutex_);

  // All of them, by kind, source and producer.
  std::vector<SharedSourceStatus> Read() const EXCLUDES_LOCK(mutex_);

 private:
  using Key = std::tuple<SourceKind, std::string, std::string>;
  using Board = std::map<Key, SharedSourceStatus>;

  static Key KeyOf(const SourceStatus& status) {
    return {status.kind, status.source, status.producer_id};
  }
  void Refuse(const SourceStatus& status) const;

  // Constant after construction.
  prometheus::Gauge* sources_gauge_;
  prometheus::Counter* refused_total_;
  mutable bool has_refused_ = false;  // Writer thread only.

  mutable Mutex mutex_;
  Board board_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
