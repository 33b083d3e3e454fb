#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "correlator-service/model/joined_row.h"
#include "correlator-service/rows/alert_table.h"

namespace alertjoin {

// What one sequence holds at most of rows, and at most of alerts. What a reader gets of a sequence
// travels in one message, so these bound messages.
struct SequenceLimits {
  size_t changes_max = 500;
  size_t bytes_max = 1 << 20;
};

// Cuts the changes of one Commit into runs for one sequence each:
// 1. What fits one run is one run, in the order in which it came.
// 2. Otherwise the changes are sorted first, so that the runs do not depend on the order in which
//    they came: a replay makes the same changes in an order of its own, and must give them the same
//    sequences. Transitions go by event time and then by row id; of one transition its DELETEs come
//    first, that of its NO_SERIES row last among them, and then its UPSERTs by row id.
// 3. Changes of one transition stay in one run while they fit a run by themselves.
// 4. A transition that does not fit is cut; even then the DELETE of its NO_SERIES row stays with
//    the change that follows. So no reader ever sees the transition without a row, or with both
//    kinds of rows.
// The DELETEs of a transition that has been amended show it as it was. They count to the transition
// of the same alert and state that has UPSERTs and the nearest start.
// A run has at least one change, or two by rule 4, whatever their bytes.
std::vector<std::vector<JoinedRow>> SplitIntoSequences(std::vector<JoinedRow> changes,
                                                       const SequenceLimits& limits);

// How many of the alerts go into the next sequence: as many as fit, at least one. REQUIRES: there
// are some.
size_t AlertsOfNextSequence(std::span<const AlertTable::Prepared> alerts,
                            const SequenceLimits& limits);

}  // namespace alertjoin
