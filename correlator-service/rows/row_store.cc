#include "correlator-service/rows/row_store.h"

#include "correlator-service/model/row_size.h"

namespace alertjoin {

RowPosition PositionOf(const JoinedRow& row) {
  return RowPosition{row.transition->event_time(), row.id};
}

RowPosition PositionOf(const Alert& alert) { return RowPosition{alert.starts_at(), alert.id}; }

size_t ApproximateBytes(const ChangeSet& set) {
  size_t bytes = sizeof(ChangeSet);
  for (const AlertChange& change : set.alerts) bytes += ApproximateBytes(*change.alert);
  for (const RowChange& change : set.changes) {
    bytes += ApproximateBytes(*change.row) + sizeof(RowChange);
  }
  return bytes;
}

}  // namespace alertjoin
