#pragma once

#include <cstddef>
#include <vector>

#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// What one sequence holds at most. Every sequence travels in one message, so these bound messages.
struct SequenceLimits {
  size_t changes_max = 500;
  size_t bytes_max = 1 << 20;
};

// Cuts the changes of one Commit into runs for one sequence each, as few as possible, in order:
// 1. Changes of one transition stay in one run while they fit a run by themselves.
// 2. A transition that does not fit is cut; even then the DELETE of its NO_SERIES row stays with
//    the change that follows, for which it is moved to the front of its transition. So no reader
//    ever sees the transition without a row, or with both kinds of rows.
// A run has at least one change, or two by rule 2, whatever their bytes.
std::vector<std::vector<JoinedRow>> SplitIntoSequences(std::vector<JoinedRow> changes,
                                                       const SequenceLimits& limits);

}  // namespace alertjoin
