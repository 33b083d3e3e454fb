#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <map>
#include <span>
#include <unordered_map>

#include "common/sync/mutex.h"
#include "correlator-service/rows/alert_table.h"
#include "correlator-service/rows/change_log.h"
#include "correlator-service/rows/row_metrics.h"
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

// A row store that lives and dies with the process. Metrics: those of RowMetrics, alertjoin_alerts,
// alertjoin_alert_changes_total{operation}, alertjoin_row_sequence, alertjoin_change_log_changes,
// alertjoin_change_log_bytes, alertjoin_change_log_floor.
class MemoryRowStore final : public RowStore {
 public:
  // The registry must outlive the store.
  explicit MemoryRowStore(prometheus::Registry& registry, MemoryRowStoreOptions options = {});

  // Never an error. Reports and position are of no use here.
  absl::StatusOr<Sequence> Commit(RowCommit commit) override EXCLUDES_LOCK(mutex_);

  // The two halves of Commit, for a store that keeps the changes in between. Prepare gives them
  // sequences and names what they replace; nobody sees them yet. Writer thread only.
  std::vector<SharedChangeSet> Prepare(std::vector<JoinedRow> changes, std::vector<Alert> alerts,
                                       std::vector<Gap> gaps) const EXCLUDES_LOCK(mutex_);
  // REQUIRES: `sets` is what the last Prepare gave.
  void Publish(const std::vector<SharedChangeSet>& sets) EXCLUDES_LOCK(mutex_);

  // What was kept, given back before anything is committed: the rows and alerts, and the sequence
  // that they stand at; their changes are not in the log. Nobody is told. REQUIRES for Load: an
  // UPSERT of a row or alert that is not there.
  void Load(JoinedRow row) EXCLUDES_LOCK(mutex_);
  void Load(Alert alert) EXCLUDES_LOCK(mutex_);
  void StartAt(Sequence newest) EXCLUDES_LOCK(mutex_);
  SourceBoard& source_board() { return sources_; }

  void PublishProgress(std::shared_ptr<const ProgressBoard> progress) override
      EXCLUDES_LOCK(mutex_);
  void RaiseOnChange(std::shared_ptr<ChangeSignal> signal) override EXCLUDES_LOCK(mutex_);

  const std::string& store_id() const override { return store_id_; }
  Sequence newest() const override { return Sequence(newest_.load(std::memory_order_acquire)); }
  Sequence floor() const override EXCLUDES_LOCK(mutex_);
  SharedRow Find(const RowId& id) const override EXCLUDES_LOCK(mutex_);
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override EXCLUDES_LOCK(mutex_);
  AlertPage ReadAlerts(const RowRange& range, size_t alerts_max) const override
      EXCLUDES_LOCK(mutex_);
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override EXCLUDES_LOCK(mutex_);
  std::shared_ptr<const ProgressBoard> Progress() const override EXCLUDES_LOCK(mutex_);
  std::vector<SharedSourceStatus> Sources() const override { return sources_.Read(); }

 private:
  // The set with the changes that change something, and with what they replace; null when there
  // are none.
  SharedChangeSet MakeSet(Sequence sequence, std::vector<JoinedRow> changes,
                          std::span<const AlertTable::Prepared> alerts) const EXCLUDES_LOCK(mutex_);
  std::vector<AlertTable::Prepared> PrepareAlerts(std::vector<Alert> alerts) const
      EXCLUDES_LOCK(mutex_);
  void PublishOne(const SharedChangeSet& set) EXCLUDES_LOCK(mutex_);
  void ApplyLocked(const RowChange& change) REQUIRES_LOCK(mutex_);
  SharedRow FindLocked(const RowId& id) const REQUIRES_LOCK(mutex_);
  void CountChanges(const ChangeSet& set) REQUIRES_LOCK(mutex_);
  void UpdateGauges() REQUIRES_LOCK(mutex_);

  // Constant after construction.
  const std::string store_id_;
  const SequenceLimits sequence_limits_;
  std::map<Operation, prometheus::Counter*> alert_changes_total_;
  prometheus::Gauge* alerts_gauge_;
  prometheus::Gauge* sequence_gauge_;
  prometheus::Gauge* log_changes_gauge_;
  prometheus::Gauge* log_bytes_gauge_;
  prometheus::Gauge* log_floor_gauge_;

  SourceBoard sources_;
  // Written under mutex_, read without it.
  std::atomic<uint64_t> newest_{0};

  mutable Mutex mutex_;
  RowMetrics row_metrics_ GUARDED_BY(mutex_);
  std::unordered_map<RowId, SharedRow, RowIdHash> rows_by_id_ GUARDED_BY(mutex_);
  std::map<RowPosition, SharedRow> rows_by_position_ GUARDED_BY(mutex_);
  AlertTable alerts_ GUARDED_BY(mutex_);
  ChangeLog log_ GUARDED_BY(mutex_);
  std::shared_ptr<const ProgressBoard> progress_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ChangeSignal>> signals_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
