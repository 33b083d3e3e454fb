#include "correlator-service/subscribe/streams.h"

#include <google/protobuf/arena.h>

#include <utility>

#include "alertjoin/v1/alerts.pb.h"
#include "alertjoin/v1/correlator_service.pb.h"
#include "common/status/status.h"
#include "correlator-service/codec/alert_codec.h"
#include "correlator-service/codec/row_codec.h"

namespace alertjoin {

std::vector<RowEntry> RowStream::Select(const ChangeSet& set, const RowFilter& filter) {
  std::vector<RowEntry> selected;
  for (const RowChange& change : set.changes) {
    const bool matches_now =
        change.row->operation == Operation::kUpsert && filter.Matches(*change.row);
    if (matches_now) {
      selected.push_back({filter.InScope(change.row), Operation::kUpsert});
    } else if (change.previous != nullptr && filter.Matches(*change.previous)) {
      selected.push_back({filter.InScope(change.row), Operation::kDelete});
    }
  }
  return selected;
}

std::string RowStream::Serialise(const std::vector<RowEntry>& entries) {
  google::protobuf::Arena arena;
  auto* const batch = google::protobuf::Arena::CreateMessage<v1::RowBatch>(&arena);
  batch->mutable_rows()->Reserve(static_cast<int>(entries.size()));
  for (const auto& [row, operation] : entries) EncodeRow(*row, operation, batch->add_rows());
  std::string serialised;
  CHECK(batch->SerializeToString(&serialised));
  return serialised;
}

SnapshotPage<JoinedRow> RowStream::ReadSnapshot(const RowStore& store,
                                                std::optional<RowPosition> after, Timestamp from,
                                                size_t count) {
  RowPage page = store.ReadRows(RowRange{after, from, std::nullopt}, count);
  return {std::move(page.rows), page.end, page.sequence};
}

bool RowStream::Concerns(const Gap& gap, const RowFilter& filter) {
  return !filter.scope.empty() || filter.query_name.empty() || !gap.query.has_value() ||
         gap.query->name == filter.query_name;
}

std::vector<AlertEntry> AlertStream::Select(const ChangeSet& set, const AlertFilter& filter) {
  std::vector<AlertEntry> selected;
  for (const AlertChange& change : set.alerts) {
    const Alert& alert = *change.alert;
    const bool matches_now = alert.operation == Operation::kUpsert && filter.Matches(alert);
    if (matches_now) {
      selected.push_back({change.alert, Operation::kUpsert});
    } else if (change.previous_state && filter.Matches(alert, *change.previous_state)) {
      selected.push_back({change.alert, Operation::kDelete});
    }
  }
  return selected;
}

std::string AlertStream::Serialise(const std::vector<AlertEntry>& entries) {
  google::protobuf::Arena arena;
  auto* const batch = google::protobuf::Arena::CreateMessage<v1::AlertBatch>(&arena);
  batch->mutable_alerts()->Reserve(static_cast<int>(entries.size()));
  for (const auto& [alert, operation] : entries) {
    EncodeAlert(*alert, operation, batch->add_alerts());
  }
  std::string serialised;
  CHECK(batch->SerializeToString(&serialised));
  return serialised;
}

SnapshotPage<Alert> AlertStream::ReadSnapshot(const RowStore& store,
                                              std::optional<RowPosition> after, Timestamp from,
                                              size_t count) {
  // An episode may have begun at any time before it fired within the window: the store leaves out
  // most of those that were over.
  AlertPage page = store.ReadAlerts(RowRange{after, from, std::nullopt}, count);
  return {std::move(page.alerts), page.end, page.sequence};
}

bool AlertStream::Concerns(const Gap& gap, const AlertFilter& filter) {
  return !gap.query.has_value() &&
         (!filter.scope.empty() || filter.source.empty() || gap.source == filter.source);
}

}  // namespace alertjoin
