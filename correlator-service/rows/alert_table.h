#pragma once

#include <functional>
#include <map>
#include <optional>
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

  // The next alerts of the range that began before `to`. Of those that began before `from` only the
  // ones of hours in which some alert began that was not over by then: whoever wants those that
  // fired from then on reads little more.
  bool Read(const RowRange& range, size_t alerts_max, std::vector<SharedAlert>& page) const;
  // Null when there is no such alert.
  SharedAlert Find(const RowId& id) const;
  size_t size() const { return by_id_.size(); }

 private:
  // What began within one hour.
  struct Hour {
    size_t alerts = 0;
    size_t open = 0;  // Those whose end is not known.
    // No end is later. It stays where it is when an alert goes.
    std::optional<Timestamp> newest_end;
  };

  void Insert(SharedAlert alert);
  void Erase(const SharedAlert& alert);

  std::unordered_map<RowId, SharedAlert, RowIdHash> by_id_;
  std::map<RowPosition, SharedAlert> by_position_;
  std::map<int64_t, Hour, std::greater<>> hours_;  // By number, newest first.
};

}  // namespace alertjoin
