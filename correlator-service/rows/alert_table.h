#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// The alerts as readers see them, in memory. Not thread-safe, but for calls that are all const.
class AlertTable {
 public:
  // What the commit's alerts change for readers, by position: without those that look as before and
  // DELETEs of unknown ones; DELETEs are whole. Sequences are not given yet.
  struct Prepared {
    Alert alert;
    std::optional<AlertState> previous_state;
  };
  std::vector<Prepared> Prepare(std::vector<Alert> alerts) const;

  // REQUIRES: what Prepare gave, with its sequence.
  void Apply(const AlertChange& change);
  // REQUIRES: an UPSERT of an alert that is not there.
  void Load(SharedAlert alert);

  // The next alerts of the range, whose times are those of starts.
  bool Read(const RowRange& range, size_t alerts_max, std::vector<SharedAlert>& page) const;
  // Null when there is no such alert.
  SharedAlert Find(const RowId& id) const;
  size_t size() const { return by_id_.size(); }

 private:
  std::unordered_map<RowId, SharedAlert, RowIdHash> by_id_;
  std::map<RowPosition, SharedAlert> by_position_;
};

}  // namespace alertjoin
