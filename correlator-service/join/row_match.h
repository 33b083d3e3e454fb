#pragma once

#include "correlator-service/join/engine_state.h"

namespace alertjoin {

// What a row should say. Its series is left null.
struct RowMatch {
  Match match;
  bool final = true;
};

// Matches the row anew with its series as it stands, at its event time and, when that is known, at
// its pending start. It is final when progress of its query covers all that decides about both.
//
// A row that readers know keeps, of a moment from before the horizon, what it says: the samples
// that it came from may be gone. So it does with the whole match and `final` of its event time; and
// with the value at its pending start, as long as that start stays the same: `has_known_start` says
// whether readers know the row with it. Without a change of the start, what was final about it
// stays so.
RowMatch MatchRow(const RowState& row, bool has_known_start, Timestamp sample_horizon);

}  // namespace alertjoin
