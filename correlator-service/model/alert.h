#pragma once

// The alert as a plain struct. Meaning field by field: proto/alertjoin/v1/alerts.proto.

#include <memory>
#include <optional>

#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// One episode, and at the same time one change of it: the episode as it stands after (for DELETE:
// before) it. Cheap to copy: what is large is shared and immutable.
struct Alert {
  RowId id = {};  // Of the episode (see join/row_id.h); differs from those of its rows.
  // Given by the row store. 0: the last change is from before alerts had sequences.
  Sequence sequence = {};
  Operation operation = Operation::kUpsert;
  // RESOLVED when the episode has ended, otherwise FIRING; with the times of the episode as it
  // stands now. In a DELETE the engine leaves it null, and the row store fills it in.
  std::shared_ptr<const Transition> transition = {};
  // Of the earliest of its notifications.
  Timestamp received_time = {};

  Timestamp starts_at() const { return transition->starts_at; }
  // Absent while it lasts.
  std::optional<Timestamp> ends_at() const { return transition->ends_at; }
};

}  // namespace alertjoin
