#pragma once

#include <optional>

#include "common/event/event.h"
#include "correlator-service/join/coverage.h"
#include "correlator-service/model/joined_row.h"
#include "correlator-service/tables/sample_series.h"

namespace alertjoin {

// The as-of join of one moment with one series: the newest sample at or before `time` (before it
// when the binding is strict), judged by the binding's tolerance (inclusive). `series` is left
// null.
Match MatchAsOf(const SampleSeries& samples, Timestamp time, const Binding& binding);

// The times of which every sample must be known for the match to be final:
//   an evaluated expression has a value of its own at each moment: the moment itself;
//   a scraped series: from the sample found, or from the oldest that could count, to the moment;
//   with first_after, up to the sample after it, or as far behind as the tolerance reaches.
// The pending start is not looked at.
Interval DecisiveInterval(const Match& match, Timestamp time, const Binding& binding);

// Adds what the same series says of the alert's pending start: the value that MatchAsOf would find
// at that time, when it would find one.
void AddMatchAtActive(const SampleSeries& samples, Timestamp active_at, const Binding& binding,
                      Match* match);

// The same for the value at the pending start. When there is none, all that the tolerance reaches
// must be known.
Interval DecisiveIntervalAtActive(const Match& match, Timestamp active_at, const Binding& binding);

// Whether a reader sees the same: receive times are not looked at.
bool SameForReaders(const Match& a, const Match& b);

}  // namespace alertjoin
