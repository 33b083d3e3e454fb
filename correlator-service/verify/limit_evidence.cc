#include "correlator-service/verify/limit_evidence.h"

#include <algorithm>

#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

// A row takes more memory than it takes on the wire, by which it is measured here; by less than
// this.
constexpr uint64_t kMemoryFactor = 8;

}  // namespace

void LimitEvidence::Size::Add(const JoinedRow& row, int64_t sign) {
  rows += sign;
  bytes += sign * static_cast<int64_t>(ApproximateBytes(row) * kMemoryFactor);
}

void LimitEvidence::AddChanges(const ChangeSet& set) {
  for (const RowChange& change : set.changes) {
    const bool is_new = change.row->operation == Operation::kUpsert && change.previous == nullptr;
    if (is_new) added_.Add(*change.row, 1);
  }
  most_added_.rows = std::max(most_added_.rows, added_.rows);
  most_added_.bytes = std::max(most_added_.bytes, added_.bytes);
  for (const RowChange& change : set.changes) {
    if (change.row->operation == Operation::kDelete) added_.Add(*change.row, -1);
  }
  for (const AlertChange& change : set.alerts) {
    if (change.alert->operation != Operation::kDelete) continue;
    const Transition& removed = *change.alert->transition;
    removed_[removed.source].insert(removed.fingerprint);
  }
}

void LimitEvidence::AddRow(const JoinedRow& row) { now_.Add(row, 1); }

void LimitEvidence::AddAlert(const std::string& source, const std::string& fingerprint) {
  ++alerts_[source];
  removed_[source].erase(fingerprint);
}

bool LimitEvidence::MayHaveRefusedRows() const {
  const auto reached = [](int64_t now, int64_t added, int64_t most_added, uint64_t limit) {
    return static_cast<uint64_t>(now + most_added - added) >= limit;
  };
  return reached(now_.rows, added_.rows, most_added_.rows, limits_.rows_max) ||
         reached(now_.bytes, added_.bytes, most_added_.bytes, limits_.row_bytes_max);
}

bool LimitEvidence::MayHaveRefusedAlertsOf(const std::string& source) const {
  if (MayHaveRefusedRows()) return true;
  const auto there = alerts_.find(source);
  const auto removed = removed_.find(source);
  const uint64_t alerts = (there == alerts_.end() ? 0 : there->second) +
                          (removed == removed_.end() ? 0 : removed->second.size());
  return alerts >= limits_.source_alerts_max;
}

}  // namespace alertjoin
