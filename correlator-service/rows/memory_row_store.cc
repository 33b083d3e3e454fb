#include "correlator-service/rows/memory_row_store.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <random>

#include "common/status/status.h"
#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

std::string RandomStoreId() {
  std::random_device random;
  RowId id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(random());
  return ToHex(id);
}

prometheus::Gauge* MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

const char* CauseName(Cause cause) {
  switch (cause) {
    case Cause::kAlert:
      return "alert";
    case Cause::kSample:
      return "sample";
    case Cause::kLateSample:
      return "late_sample";
    case Cause::kAlertAmended:
      return "alert_amended";
    case Cause::kFinalized:
      return "finalized";
    case Cause::kExpired:
      return "expired";
  }
  return "";
}

}  // namespace

MemoryRowStore::MemoryRowStore(prometheus::Registry& registry, MemoryRowStoreOptions options)
    : store_id_(options.store_id.empty() ? RandomStoreId() : std::move(options.store_id)),
      sequence_limits_(options.sequence_limits),
      rows_gauge_(MakeGauge(registry, "alertjoin_rows", "Joined rows in the table.")),
      sequence_gauge_(MakeGauge(registry, "alertjoin_row_sequence",
                                "Newest published sequence of row changes.")),
      log_changes_gauge_(MakeGauge(registry, "alertjoin_change_log_changes",
                                   "Changes that subscribers can still catch up with.")),
      log_bytes_gauge_(MakeGauge(registry, "alertjoin_change_log_bytes",
                                 "About the memory that the change log takes.")),
      log_floor_gauge_(MakeGauge(registry, "alertjoin_change_log_floor",
                                 "Subscribers behind this sequence must start again.")),
      log_(options.change_log_limits),
      progress_(std::make_shared<const ProgressBoard>()) {
  auto& family = prometheus::BuildCounter()
                     .Name("alertjoin_row_changes_total")
                     .Help("Changes of joined rows by what caused them.")
                     .Register(registry);
  for (const Cause cause : {Cause::kAlert, Cause::kSample, Cause::kLateSample, Cause::kAlertAmended,
                            Cause::kFinalized, Cause::kExpired}) {
    changes_total_[cause] = &family.Add({{"cause", CauseName(cause)}});
  }
}

absl::StatusOr<Sequence> MemoryRowStore::Commit(RowCommit commit) {
  for (auto& run : SplitIntoSequences(std::move(commit.changes), sequence_limits_)) {
    Publish(std::move(run), std::nullopt);
  }
  for (Gap& gap : commit.gaps) Publish({}, std::move(gap));
  return newest();
}

void MemoryRowStore::Publish(std::vector<JoinedRow> changes, std::optional<Gap> gap) {
  auto set = std::make_shared<ChangeSet>();
  set->sequence = newest().Next();
  set->bytes = sizeof(ChangeSet);
  set->gap = std::move(gap);
  std::vector<RowChange> planned;
  planned.reserve(changes.size());
  for (JoinedRow& change : changes) {
    change.sequence = set->sequence;
    set->bytes += ApproximateBytes(change) + sizeof(RowChange);
    planned.push_back({std::make_shared<const JoinedRow>(std::move(change)), nullptr});
  }
  set->changes.reserve(planned.size());

  std::vector<SharedChangeSet> dropped;  // Freed after the lock is released.
  std::vector<std::shared_ptr<ChangeSignal>> signals;
  {
    MutexLock lock(mutex_);
    for (RowChange& change : planned) {
      if (!ApplyLocked(change)) continue;
      set->changes.push_back(std::move(change));
    }
    if (set->changes.empty() && !set->gap.has_value()) return;
    CountChanges(*set);
    dropped = log_.Append(std::move(set));
    newest_.store(log_.newest().value(), std::memory_order_release);
    UpdateGauges();
    signals = signals_;
  }
  for (const auto& signal : signals) signal->Raise();
}

bool MemoryRowStore::ApplyLocked(RowChange& change) {
  const auto found = rows_by_id_.find(change.row->id);
  if (found != rows_by_id_.end()) {
    change.previous = found->second;
    // An amendment may have moved the row in time.
    rows_by_position_.erase(PositionOf(*change.previous));
  }
  if (change.row->operation == Operation::kDelete) {
    if (found == rows_by_id_.end()) return false;
    rows_by_id_.erase(found);
    return true;
  }
  rows_by_position_.emplace(PositionOf(*change.row), change.row);
  if (found != rows_by_id_.end()) {
    found->second = change.row;
  } else {
    rows_by_id_.emplace(change.row->id, change.row);
  }
  return true;
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
  const auto found = rows_by_id_.find(id);
  return found == rows_by_id_.end() ? nullptr : found->second;
}

RowPage MemoryRowStore::ReadRows(const RowRange& range, size_t rows_max) const {
  RowPage page;
  page.rows.reserve(rows_max);
  MutexLock lock(mutex_);
  page.sequence = log_.newest();
  auto next = rows_by_position_.begin();
  // `to` is exclusive: the first position at or before the millisecond ahead of it.
  if (range.to.has_value()) {
    next = rows_by_position_.lower_bound(RowPosition{*range.to - Millis(1), RowId{}});
  }
  if (range.after.has_value()) {
    const auto after = rows_by_position_.upper_bound(*range.after);
    const bool further = next != rows_by_position_.end() &&
                         (after == rows_by_position_.end() || next->first < after->first);
    if (further) next = after;
  }
  const auto end = rows_by_position_.end();
  const auto in_range = [&next, &end, &range] {
    return next != end && (!range.from.has_value() || next->first.event_time >= *range.from);
  };
  for (; page.rows.size() < rows_max && in_range(); ++next) page.rows.push_back(next->second);
  page.end = !in_range();
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
  for (const RowChange& change : set.changes) changes_total_.at(change.row->cause)->Increment();
}

void MemoryRowStore::UpdateGauges() {
  rows_gauge_->Set(static_cast<double>(rows_by_id_.size()));
  sequence_gauge_->Set(static_cast<double>(log_.newest().value()));
  log_changes_gauge_->Set(static_cast<double>(log_.changes()));
  log_bytes_gauge_->Set(static_cast<double>(log_.bytes()));
  log_floor_gauge_->Set(static_cast<double>(log_.floor().value()));
}

}  // namespace alertjoin
