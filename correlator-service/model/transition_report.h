#pragma once

#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// Which of several reports of one transition describes it: whose labels, annotations, reported
// values, notification, origin and time of receipt its rows show.
//
// What its sender reported comes before what reconciliation found, whichever was first: only the
// sender knows the alert as it was sent. Among reports of one rank the one of the earlier start
// comes first, then the one that is earlier in the log.

// True when the rank of `a` is above that of `b`. A report outranks no other of its own rank.
bool Outranks(const Transition& a, const Transition& b);

// True when a row of either says the same: not a number equals itself.
bool SameForReaders(const Transition& a, const Transition& b);

}  // namespace alertjoin
