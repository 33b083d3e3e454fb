#include "correlator-service/rows/memory_row_store.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "common/eventlog/log_id.h"
#include "common/metrics/metric_families.h"
#include "common/status/status.h"
#include "correlator-service/rows/read_range.h"

namespace alertjoin {

MemoryRowStore::MemoryRowStore(prometheus::Registry& registry, MemoryRowStoreOptions options)
    : store_id_(options.store_id.empty() ? RandomId() : std::move(options.store_id)),
      sequence_limits_(options.sequence_limits),
      alerts_gauge_(&OneGauge(registry, "alertjoin_alerts", "Episodes in the table of alerts.")),
      sequence_gauge_(&OneGauge(registry, "alertjoin_row_sequence",
                                "Newest published sequence of row changes.")),
      log_changes_gauge_(&OneGauge(registry, "alertjoin_change_log_changes",
                                   "Changes that subscribers catch up with from memory.")),
      log_bytes_gauge_(&OneGauge(registry, "alertjoin_change_log_bytes",
                                 "About what the change log in memory takes.")),
      log_floor_gauge_(&OneGauge(registry, "alertjoin_change_log_floor",
                                 "How far back the change log in memory reaches.")),
      sources_(registry),
      row_metrics_(registry),
      log_(options.change_log_limits),
      progress_(std::make_shared<const ProgressBoard>()) {
  auto& alert_family = CounterFamily(registry, "alertjoin_alert_changes_total",
                                     "Changes of alerts by what readers are told to do.");
  alert_changes_total_[Operation::kUpsert] = &alert_family.Add({{"operation", "upsert"}});
  alert_changes_total_[Operation::kDelete] = &alert_family.Add({{"operation", "delete"}});
}

absl::StatusOr<Sequence> MemoryRowStore::Commit(RowCommit commit) {
  sources_.Publish(sources_.Prepare(commit.sources, commit.row_horizon));
  Publish(Prepare(std::move(commit.changes), std::move(commit.alerts), std::move(commit.gaps)));
  return newest();
}

std::vector<SharedChangeSet> MemoryRowStore::Prepare(std::vector<JoinedRow> changes,
                                                     std::vector<Alert> alerts,
                                                     std::vector<Gap> gaps) const {
  std::vector<SharedChangeSet> sets;
  Sequence next = newest().Next();
  const auto add = [&](SharedChangeSet set) {
    if (set == nullptr) return;
    sets.push_back(std::move(set));
    next = next.Next();
  };
  const std::vector<AlertTable::Prepared> prepared = PrepareAlerts(std::move(alerts));
  std::span<const AlertTable::Prepared> rest(prepared);
  const auto take = [&] {
    const auto taken = rest.first(AlertsOfNextSequence(rest, sequence_limits_));
    rest = rest.subspan(taken.size());
    return taken;
  };
  auto runs = SplitIntoSequences(std::move(changes), sequence_limits_);
  const bool all_in_one =
      runs.size() == 1 && AlertsOfNextSequence(rest, sequence_limits_) == rest.size();
  if (all_in_one) add(MakeSet(next, std::move(runs[0]), take()));
  if (!all_in_one) {
    for (auto& run : runs) add(MakeSet(next, std::move(run), {}));
  }
  while (!rest.empty()) add(MakeSet(next, {}, take()));
  for (Gap& gap : gaps) {
    ChangeSet set;
    set.sequence = next;
    set.gap = std::move(gap);
    set.bytes = ApproximateBytes(set);
    sets.push_back(std::make_shared<const ChangeSet>(std::move(set)));
    next = next.Next();
  }
  return sets;
}

std::vector<AlertTable::Prepared> MemoryRowStore::PrepareAlerts(std::vector<Alert> alerts) const {
  if (alerts.empty()) return {};
  MutexLock lock(mutex_);
  return alerts_.Prepare(std::move(alerts));
}

SharedChangeSet MemoryRowStore::MakeSet(Sequence sequence, std::vector<JoinedRow> changes,
                                        std::span<const AlertTable::Prepared> alerts) const {
  auto set = std::make_shared<ChangeSet>();
  set->sequence = sequence;
  set->changes.reserve(changes.size());
  for (JoinedRow& change : changes) {
    change.sequence = sequence;
    set->changes.push_back({std::make_shared<const JoinedRow>(std::move(change)), nullptr});
  }
  {
    MutexLock lock(mutex_);
    for (RowChange& change : set->changes) change.previous = FindLocked(change.row->id);
  }
  std::erase_if(set->changes, [](const RowChange& change) {
    return change.previous == nullptr && change.row->operation == Operation::kDelete;
  });
  set->alerts.reserve(alerts.size());
  for (const AlertTable::Prepared& prepared : alerts) {
    auto alert = std::make_shared<Alert>(prepared.alert);
    alert->sequence = sequence;
    set->alerts.push_back({std::move(alert), prepared.previous_state});
  }
  if (set->changes.empty() && set->alerts.empty()) return nullptr;
  set->bytes = ApproximateBytes(*set);
  return set;
}

void MemoryRowStore::Publish(const std::vector<SharedChangeSet>& sets) {
  for (const SharedChangeSet& set : sets) PublishOne(set);
}

void MemoryRowStore::PublishOne(const SharedChangeSet& set) {
  std::vector<SharedChangeSet> dropped;  // Freed after the lock is released.
  std::vector<std::shared_ptr<ChangeSignal>> signals;
  {
    MutexLock lock(mutex_);
    for (const RowChange& change : set->changes) ApplyLocked(change);
    for (const AlertChange& change : set->alerts) alerts_.Apply(change);
    CountChanges(*set);
    dropped = log_.Append(set);
    newest_.store(log_.newest().value(), std::memory_order_release);
    UpdateGauges();
    signals = signals_;
  }
  for (const auto& signal : signals) signal->Raise();
}

void MemoryRowStore::ApplyLocked(const RowChange& change) {
  // An amendment may have moved the row in time.
  if (change.previous != nullptr) rows_by_position_.erase(PositionOf(*change.previous));
  if (change.row->operation == Operation::kDelete) {
    rows_by_id_.erase(change.row->id);
    return;
  }
  rows_by_position_.emplace(PositionOf(*change.row), change.row);
  rows_by_id_.insert_or_assign(change.row->id, change.row);
}

void MemoryRowStore::Load(JoinedRow row) {
  CHECK(row.operation == Operation::kUpsert);
  const auto shared = std::make_shared<const JoinedRow>(std::move(row));
  MutexLock lock(mutex_);
  CHECK(log_.newest() == log_.floor());
  CHECK(rows_by_id_.emplace(shared->id, shared).second);
  rows_by_position_.emplace(PositionOf(*shared), shared);
  row_metrics_.OnLoad(*shared);
}

void MemoryRowStore::Load(Alert alert) {
  auto shared = std::make_shared<const Alert>(std::move(alert));
  MutexLock lock(mutex_);
  CHECK(log_.newest() == log_.floor());
  alerts_.Load(std::move(shared));
  alerts_gauge_->Set(static_cast<double>(alerts_.size()));
}

void MemoryRowStore::StartAt(Sequence newest) {
  MutexLock lock(mutex_);
  log_.StartAt(newest);
  newest_.store(newest.value(), std::memory_order_release);
  UpdateGauges();
}

void MemoryRowStore::PublishProgress(std::shared_ptr<const ProgressBoard> progress) {
  CHECK(progress != nullptr);
  MutexLock lock(mutex_);
  progress_.swap(progress);
}

void MemoryRowStore::RaiseOnChange(std::shared_ptr<ChangeSignal> signal) {
  MutexLock lock(mutex_);
  CHECK(signals_.size() < kSignalsMax);
  signals_.push_back(std::move(signal));
}

Sequence MemoryRowStore::floor() const {
  MutexLock lock(mutex_);
  return log_.floor();
}

SharedRow MemoryRowStore::Find(const RowId& id) const {
  MutexLock lock(mutex_);
  return FindLocked(id);
}

SharedRow MemoryRowStore::FindLocked(const RowId& id) const {
  const auto found = rows_by_id_.find(id);
  return found == rows_by_id_.end() ? nullptr : found->second;
}

RowPage MemoryRowStore::ReadRows(const RowRange& range, size_t rows_max) const {
  RowPage page;
  page.rows.reserve(rows_max);
  MutexLock lock(mutex_);
  page.sequence = log_.newest();
  page.end = ReadRange(rows_by_position_, range, rows_max, page.rows);
  return page;
}

AlertPage MemoryRowStore::ReadAlerts(const RowRange& range, size_t alerts_max) const {
  AlertPage page;
  page.alerts.reserve(alerts_max);
  MutexLock lock(mutex_);
  page.sequence = log_.newest();
  page.end = alerts_.Read(range, alerts_max, page.alerts);
  return page;
}

absl::StatusOr<ChangesRead> MemoryRowStore::ReadChanges(Sequence after, size_t changes_max,
                                                        size_t bytes_max) const {
  MutexLock lock(mutex_);
  return log_.Read(after, changes_max, bytes_max);
}

std::shared_ptr<const ProgressBoard> MemoryRowStore::Progress() const {
  MutexLock lock(mutex_);
  return progress_;
}

void MemoryRowStore::CountChanges(const ChangeSet& set) {
  for (const RowChange& change : set.changes) row_metrics_.OnChange(change);
  for (const AlertChange& change : set.alerts) {
    alert_changes_total_.at(change.alert->operation)->Increment();
  }
}

void MemoryRowStore::UpdateGauges() {
  alerts_gauge_->Set(static_cast<double>(alerts_.size()));
  sequence_gauge_->Set(static_cast<double>(log_.newest().value()));
  log_changes_gauge_->Set(static_cast<double>(log_.changes()));
  log_bytes_gauge_->Set(static_cast<double>(log_.bytes()));
  log_floor_gauge_->Set(static_cast<double>(log_.floor().value()));
}

}  // namespace alertjoin
