#include "correlator-service/rows/durable_row_store.h"

#include <prometheus/gauge.h>

#include <utility>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
DurableRowStore::DurableRowStore(prometheus::Registry& registry, RowDatabase& database,
                                 const DurableRowStoreOptions& options)
    : database_(database),
      disk_changes_gauge_(&OneGauge(registry, "alertjoin_change_log_disk_changes",
                                    "Changes that subscribers can still catch up with.")),
      disk_bytes_gauge_(&OneGauge(registry, "alertjoin_change_log_disk_bytes",
                                  "Size of the change log on disk, before compression.")),
      disk_floor_gauge_(&OneGauge(registry, "alertjoin_change_log_disk_floor",
                                  "Subscribers behind this sequence must start again.")),
      memory_(registry, {.store_id = database.store_id(),
                         .sequence_limits = options.sequence_limits,
                         .change_log_limits = options.change_log_limits}) {
  memory_.StartAt(database.newest());
  UpdateGauges();
}

absl::StatusOr<Sequence> DurableRowStore::Commit(RowCommit commit) {
  const std::vector<SharedChangeSet> sets =
      memory_.Prepare(std::move(commit.changes), std::move(commit.alerts), std::move(commit.gaps));
  const SourceBoard::Update sources =
      memory_.source_board().Prepare(commit.sources, commit.row_horizon);
  RETURN_IF_ERROR(database_.Write({commit.applied, sets, commit.reports, commit.raw_payloads,
                                   commit.row_horizon, sources.told, sources.gone}));
  memory_.source_board().Publish(sources);
  memory_.Publish(sets);
  UpdateGauges();
  return memory_.newest();
}

absl::StatusOr<ChangesRead> DurableRowStore::ReadChanges(Sequence after, size_t changes_max,
                                                         size_t bytes_max) const {
  auto read = memory_.ReadChanges(after, changes_max, bytes_max);
  if (!absl::IsOutOfRange(read.status())) return read;
  // The database may be ahead of what has been published.
  return database_.ReadChanges(after, newest(), changes_max, bytes_max);
}

void DurableRowStore::UpdateGauges() {
  const ChangeLogSize size = database_.change_log_size();
  disk_changes_gauge_->Set(static_cast<double>(size.changes));
  disk_bytes_gauge_->Set(static_cast<double>(size.bytes));
  disk_floor_gauge_->Set(static_cast<double>(database_.floor().value()));
}

}  // namespace alertjoin
