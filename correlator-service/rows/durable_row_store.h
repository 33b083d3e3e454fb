#pragma once

#include <prometheus/registry.h>

#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {

struct DurableRowStoreOptions {
  SequenceLimits sequence_limits;
  // Of the changes in memory; those on disk are limited by the database's options.
  ChangeLogLimits change_log_limits;
};

// A row store that outlives the process: readers are served from memory, and what they can read is
// on disk before they can; subscribers that are further behind than the memory goes catch up from
// there. As durable as RowDatabase says.
//
//   database->ForEachRow([&](JoinedRow row) { store.Load(std::move(row)); });
//   ... Commit ...
//
// Metrics besides those of MemoryRowStore: alertjoin_change_log_disk_changes,
// alertjoin_change_log_disk_bytes, alertjoin_change_log_disk_floor.
class DurableRowStore final : public RowStore {
 public:
  // Has the database's id and goes on behind its newest sequence. Both must outlive the store, and
  // nobody else may write to the database.
  DurableRowStore(prometheus::Registry& registry, RowDatabase& database,
                  const DurableRowStoreOptions& options = {});

  // Take over a row, an alert or a source of the database, every one once, before the first Commit.
  void Load(JoinedRow row) { memory_.Load(std::move(row)); }
  void Load(Alert alert) { memory_.Load(std::move(alert)); }
  void LoadSource(SourceStatus status) { memory_.source_board().Load(std::move(status)); }

  // UNAVAILABLE, reason ROWS_FAILED, when the database has failed, now or earlier. A commit without
  // changes still writes its position and its reports.
  absl::StatusOr<Sequence> Commit(RowCommit commit) override;
  absl::Status Sync() override { return database_.Sync(); }
  void PublishProgress(std::shared_ptr<const ProgressBoard> progress) override {
    memory_.PublishProgress(std::move(progress));
  }
  void RaiseOnChange(std::shared_ptr<ChangeSignal> signal) override {
    memory_.RaiseOnChange(std::move(signal));
  }

  const std::string& store_id() const override { return memory_.store_id(); }
  Sequence newest() const override { return memory_.newest(); }
  Sequence floor() const override { return database_.floor(); }
  SharedRow Find(const RowId& id) const override { return memory_.Find(id); }
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override {
    return memory_.ReadRows(range, rows_max);
  }
  AlertPage ReadAlerts(const RowRange& range, size_t alerts_max) const override {
    return memory_.ReadAlerts(range, alerts_max);
  }
  // Changes that come from disk name previous versions as DecodeStoredChangeSet says; errors of
  // reading them are RowDatabase's.
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override;
  std::shared_ptr<const ProgressBoard> Progress() const override { return memory_.Progress(); }
  std::vector<SharedSourceStatus> Sources() const override { return memory_.Sources(); }

 private:
  void UpdateGauges();

  RowDatabase& database_;
  prometheus::Gauge* const disk_changes_gauge_;
  prometheus::Gauge* const disk_bytes_gauge_;
  prometheus::Gauge* const disk_floor_gauge_;
  MemoryRowStore memory_;
};

}  // namespace alertjoin
