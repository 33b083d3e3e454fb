#pragma once

#include "common/time/timestamp.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/sample_transaction.h"

namespace alertjoin {

// What an answer says by leaving series out. Each function makes every series of the answer known,
// adds a stale marker for each known series that is not in it but had a value before, and returns
// how many. The answer must be complete (not partial), or it proves nothing.

// A plain selector, evaluated at `time`. A value is kept alive for `lookback`: when it is older,
// its absence is its age, not an end.
size_t AddSelectorAbsences(const QueryResult& at_time, Timestamp time, Millis lookback,
                           SampleTransaction& transaction);

// Any other expression, evaluated at `time`; its samples must have been added.
size_t AddExpressionAbsences(const QueryResult& at_time, Timestamp time,
                             SampleTransaction& transaction);

// Times start, start + step, ..., end.
struct EvaluationGrid {
  Timestamp start;
  Timestamp end;
  Millis step{1};
};

// Any other expression, evaluated on a grid; its samples must have been added. A series gets a
// marker at the first time without a value after each time with one.
size_t AddGridAbsences(const QueryResult& on_grid, const EvaluationGrid& grid,
                       SampleTransaction& transaction);

// The last grid time at or before `time`; grids of one step are aligned to the epoch.
Timestamp FloorToStep(Timestamp time, Millis step);

}  // namespace alertjoin
