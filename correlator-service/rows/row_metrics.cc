#include "correlator-service/rows/row_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

// In the order of MatchState.
constexpr const char* kStateNames[] = {"matched", "no_series", "no_sample",
                                       "too_old", "stale",     "unbound"};

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
    case Cause::kQueryError:
      return "query_error";
  }
  return "";
}

}  // namespace

RowMetrics::RowMetrics(prometheus::Registry& registry)
    : revisions_total_(CounterFamily(registry, "alertjoin_row_revisions_total",
                                     "Changes of rows that were there: all versions but the first.")
                           .Add({})) {
  auto& rows = GaugeFamily(registry, "alertjoin_rows", "Joined rows in the table, by match state.");
  auto& finalized = CounterFamily(registry, "alertjoin_rows_finalized_total",
                                  "Rows that became final, by the match state that they had then.");
  for (size_t i = 0; i < kStates; ++i) {
    rows_[i] = &rows.Add({{"state", kStateNames[i]}});
    finalized_total_[i] = &finalized.Add({{"state", kStateNames[i]}});
  }
  auto& changes = CounterFamily(registry, "alertjoin_row_changes_total",
                                "Changes of joined rows by what caused them.");
  for (const Cause cause : {Cause::kAlert, Cause::kSample, Cause::kLateSample, Cause::kAlertAmended,
                            Cause::kFinalized, Cause::kExpired, Cause::kQueryError}) {
    changes_total_[cause] = &changes.Add({{"cause", CauseName(cause)}});
  }
}

size_t RowMetrics::IndexOf(const JoinedRow& row) {
  return static_cast<size_t>(row.match.state) - 1;
}

void RowMetrics::OnChange(const RowChange& change) {
  const JoinedRow& row = *change.row;
  changes_total_.at(row.cause)->Increment();
  if (change.previous != nullptr) RowsOf(*change.previous).Decrement();
  if (row.operation == Operation::kDelete) return;
  RowsOf(row).Increment();
  if (change.previous != nullptr) revisions_total_.Increment();
  const bool was_final = change.previous != nullptr && change.previous->final;
  if (row.final && !was_final) finalized_total_[IndexOf(row)]->Increment();
}

void RowMetrics::OnLoad(const JoinedRow& row) { RowsOf(row).Increment(); }

}  // namespace alertjoin
