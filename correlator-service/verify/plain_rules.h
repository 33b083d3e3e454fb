#pragma once

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"
#include "correlator-service/verify/log_facts.h"

namespace alertjoin {

// The rules of the as-of join as they are written down, a step at a time. Shares nothing with the
// engine.

// Whether the series is one of the alert's.
bool Belongs(const LabelSet& alert, const LabelSet& series, const Binding& binding);

// What the samples of one series say of a moment.
Match MatchByRule(const LogFacts::Samples& samples, Timestamp time, const Binding& binding);
// Adds the value at the pending start, when there was one.
void AddActiveByRule(const LogFacts::Samples& samples, Timestamp active_at, const Binding& binding,
                     Match* match);

// Whether no further sample can be expected that would change the match, and the value at the
// pending start.
bool IsFinalByRule(const LogFacts& facts, const Match& match, Timestamp time,
                   const Binding& binding);
bool IsActiveFinalByRule(const LogFacts& facts, const Match& match, Timestamp active_at,
                         const Binding& binding);

}  // namespace alertjoin
