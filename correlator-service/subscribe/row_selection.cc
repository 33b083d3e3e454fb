#include "correlator-service/subscribe/row_selection.h"

#include <google/protobuf/arena.h>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/status/status.h"
#include "correlator-service/codec/row_codec.h"

namespace alertjoin {

const std::string& RowSelection::Serialised() const {
  std::call_once(serialise_once_, [this] {
    google::protobuf::Arena arena;
    auto* const batch = google::protobuf::Arena::CreateMessage<v1::RowBatch>(&arena);
    batch->mutable_rows()->Reserve(static_cast<int>(entries_.size()));
    for (const auto& [row, operation] : entries_) EncodeRow(*row, operation, batch->add_rows());
    CHECK(batch->SerializeToString(&serialised_));
  });
  return serialised_;
}

SharedSelection SelectChanges(const ChangeSet& set, const RowFilter& filter) {
  std::vector<RowEntry> selected;
  for (const RowChange& change : set.changes) {
    const bool matches_now =
        change.row->operation == Operation::kUpsert && filter.Matches(*change.row);
    if (matches_now) {
      selected.push_back({change.row, Operation::kUpsert});
    } else if (change.previous != nullptr && filter.Matches(*change.previous)) {
      selected.push_back({change.row, Operation::kDelete});
    }
  }
  if (selected.empty()) return nullptr;
  return std::make_shared<const RowSelection>(std::move(selected));
}

}  // namespace alertjoin
