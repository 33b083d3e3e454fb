#pragma once

#include <deque>

#include "correlator-service/rows/row_store.h"

namespace alertjoin {

struct ChangeLogLimits {
  size_t changes_max = 200'000;
  size_t bytes_max = 256 << 20;
};

// Changes of rows and alerts, and gaps, of the set.
inline size_t ChangesIn(const ChangeSet& set) {
  return set.changes.size() + set.alerts.size() + (set.gap ? 1 : 0);
}

// The newest change sets by sequence, in memory. Beyond a limit the oldest are dropped and the
// floor rises. Not thread-safe.
class ChangeLog {
 public:
  explicit ChangeLog(const ChangeLogLimits& limits) : limits_(limits) {}

  // Goes on behind `newest`, and reaches back to there. REQUIRES: nothing was appended.
  void StartAt(Sequence newest);

  // Appends the set with the sequence newest().Next() and gives back the sets that left the log,
  // so that the caller can free them where it suits. The set itself is never dropped.
  std::vector<SharedChangeSet> Append(SharedChangeSet set);

  // As RowStore::ReadChanges.
  absl::StatusOr<ChangesRead> Read(Sequence after, size_t changes_max, size_t bytes_max) const;

  Sequence newest() const { return Sequence(floor_.value() + sets_.size()); }
  Sequence floor() const { return floor_; }
  size_t changes() const { return changes_; }
  size_t bytes() const { return bytes_; }

 private:
  const ChangeLogLimits limits_;
  std::deque<SharedChangeSet> sets_;  // sets_[i] has the sequence floor_ + 1 + i.
  Sequence floor_;
  size_t changes_ = 0;  // As ChangesIn counts them.
  size_t bytes_ = 0;
};

}  // namespace alertjoin
