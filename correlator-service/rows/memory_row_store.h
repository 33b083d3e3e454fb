#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <map>
#include <unordered_map>

#include "common/sync/mutex.h"
#include "correlator-service/rows/change_log.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/rows/sequence_split.h"

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace alertjoin {

struct MemoryRowStoreOptions {
  std::string store_id;  // Default: random.
  SequenceLimits sequence_limits;
  ChangeLogLimits change_log_limits;
};

// A row store that lives and dies with the process. Metrics: alertjoin_rows,
// alertjoin_row_changes_total{cause}, alertjoin_row_sequence, alertjoin_change_log_changes,
// alertjoin_change_log_bytes, alertjoin_change_log_floor.
class MemoryRowStore final : public RowStore {
 public:
  // The registry must outlive the store.
  explicit MemoryRowStore(prometheus::Registry& registry, MemoryRowStoreOptions options = {});

  // Never an error. Reports and position are of no use here.
  absl::StatusOr<Sequence> Commit(RowCommit commit) override EXCLUDES_LOCK(mutex_);
  void PublishProgress(std::shared_ptr<const ProgressBoard> progress) override
      EXCLUDES_LOCK(mutex_);
  void RaiseOnChange(std::shared_ptr<ChangeSignal> signal) override EXCLUDES_LOCK(mutex_);

  const std::string& store_id() const override { return store_id_; }
  Sequence newest() const override { return Sequence(newest_.load(std::memory_order_acquire)); }
  Sequence floor() const override EXCLUDES_LOCK(mutex_);
  SharedRow Find(const RowId& id) const override EXCLUDES_LOCK(mutex_);
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override EXCLUDES_LOCK(mutex_);
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override EXCLUDES_LOCK(mutex_);
  std::shared_ptr<const ProgressBoard> Progress() const override EXCLUDES_LOCK(mutex_);

 private:
  // Publishes one sequence.
  void Publish(std::vector<JoinedRow> changes, std::optional<Gap> gap) EXCLUDES_LOCK(mutex_);
  // Applies the change to the table and fills in what it replaces. False when it changes nothing.
  bool ApplyLocked(RowChange& change) REQUIRES_LOCK(mutex_);
  void CountChanges(const ChangeSet& set);
  void UpdateGauges() REQUIRES_LOCK(mutex_);

  // Constant after construction.
  const std::string store_id_;
  const SequenceLimits sequence_limits_;
  std::map<Cause, prometheus::Counter*> changes_total_;
  prometheus::Gauge* rows_gauge_;
  prometheus::Gauge* sequence_gauge_;
  prometheus::Gauge* log_changes_gauge_;
  prometheus::Gauge* log_bytes_gauge_;
  prometheus::Gauge* log_floor_gauge_;

  // Written under mutex_, read without it.
  std::atomic<uint64_t> newest_{0};

  mutable Mutex mutex_;
  std::unordered_map<RowId, SharedRow, RowIdHash> rows_by_id_ GUARDED_BY(mutex_);
  std::map<RowPosition, SharedRow> rows_by_position_ GUARDED_BY(mutex_);
  ChangeLog log_ GUARDED_BY(mutex_);
  std::shared_ptr<const ProgressBoard> progress_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ChangeSignal>> signals_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
