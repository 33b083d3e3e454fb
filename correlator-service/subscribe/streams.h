#pragma once

// What can be streamed: joined rows, and alerts. A subscription is the same for both; what differs
// is gathered in these types, which the templates of this folder take as `Stream`:
//   kKind                  its name in metrics
//   Filter, Item, Entry    what a subscriber wants, a version of one, and that with an operation
//   Select                 what a change set is to a subscriber with the filter
//   Serialise              entries as the API's batch of them
//   ReadSnapshot, InSnapshot  what exists, and which of it a snapshot shows
//   InScope                what the subscriber is told of one
//   Concerns, Progress     what else a subscriber is told

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/rows/alert_filter.h"
#include "correlator-service/rows/row_filter.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/subscriber_lag.h"

namespace alertjoin {

// A row as a subscriber is told of it.
struct RowEntry {
  SharedRow row;
  // What the change does to the table that the subscriber sees through its filter.
  Operation operation = Operation::kUpsert;
};

// The same of an alert.
struct AlertEntry {
  SharedAlert alert;
  Operation operation = Operation::kUpsert;
};

// A part of what exists.
template <typename Item>
struct SnapshotPage {
  std::vector<std::shared_ptr<const Item>> items;
  bool end = false;
  Sequence sequence;
};

struct RowStream {
  static constexpr StreamKind kKind = StreamKind::kRows;
  using Filter = RowFilter;
  using Item = JoinedRow;
  using Entry = RowEntry;

  // An UPSERT for each row that matches after the change, a DELETE for each that matched only
  // before it.
  static std::vector<Entry> Select(const ChangeSet& set, const Filter& filter);
  // A v1::RowBatch.
  static std::string Serialise(const std::vector<Entry>& entries);

  // The next rows behind `after` of those that a snapshot from `from` on may show.
  static SnapshotPage<Item> ReadSnapshot(const RowStore& store, std::optional<RowPosition> after,
                                         Timestamp from, size_t count);
  static bool InSnapshot(const Item& row, const Filter& filter, Timestamp) {
    return filter.Matches(row);
  }
  static SharedRow InScope(SharedRow row, const Filter& filter) {
    return filter.InScope(std::move(row));
  }
  // Towards a reader with a scope, who is not told what a gap is of, every gap does: one that came
  // only to those who ask for a query would say that it is of that query.
  static bool Concerns(const Gap& gap, const Filter& filter);
  // Of which queries progress is told.
  static std::shared_ptr<const ProgressBoard> Progress(const RowStore& store) {
    return store.Progress();
  }
  static std::string ProgressQueryName(const Filter& filter) { return filter.query_name; }
};

struct AlertStream {
  static constexpr StreamKind kKind = StreamKind::kAlerts;
  using Filter = AlertFilter;
  using Item = Alert;
  using Entry = AlertEntry;

  static std::vector<Entry> Select(const ChangeSet& set, const Filter& filter);
  // A v1::AlertBatch.
  static std::string Serialise(const std::vector<Entry>& entries);

  static SnapshotPage<Item> ReadSnapshot(const RowStore& store, std::optional<RowPosition> after,
                                         Timestamp from, size_t count);
  static bool InSnapshot(const Item& alert, const Filter& filter, Timestamp from) {
    return FiredWithin(alert, from, std::nullopt) && filter.Matches(alert);
  }
  static SharedAlert InScope(SharedAlert alert, const Filter&) { return alert; }
  // As of rows; but what is missing of a query is missing in no alert.
  static bool Concerns(const Gap& gap, const Filter& filter);
  static std::shared_ptr<const ProgressBoard> Progress(const RowStore&) {
    return std::make_shared<const ProgressBoard>();
  }
  static std::string ProgressQueryName(const Filter&) { return ""; }
};

}  // namespace alertjoin
