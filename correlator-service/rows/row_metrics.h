#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// The rows of a table and what happens to them, as metrics of the process. Not thread-safe, but for
// the registry's own reading of the values. The registry must outlive it.
//
// Metrics: alertjoin_rows{state}, alertjoin_row_changes_total{cause},
// alertjoin_row_revisions_total, alertjoin_rows_finalized_total{state}.
class RowMetrics {
 public:
  explicit RowMetrics(prometheus::Registry& registry);

  // A change that is applied to the table.
  void OnChange(const RowChange& change);
  // A row that is there from before.
  void OnLoad(const JoinedRow& row);

 private:
  static constexpr size_t kStates = 6;

  // Of the table's rows by match state.
  prometheus::Gauge& RowsOf(const JoinedRow& row) { return *rows_[IndexOf(row)]; }
  static size_t IndexOf(const JoinedRow& row);

  std::array<prometheus::Gauge*, kStates> rows_{};
  std::array<prometheus::Counter*, kStates> finalized_total_{};
  std::map<Cause, prometheus::Counter*> changes_total_;
  prometheus::Counter& revisions_total_;
};

}  // namespace alertjoin
