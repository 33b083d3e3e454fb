#pragma once

#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/round.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Applies the round to the engine, and gives what it changes, to be committed as it is.
RowCommit ApplyRound(Engine& engine, LogPosition position, Round round);

// Whether the round may change what the engine's Progress says.
bool ChangesProgress(const Round& round);

}  // namespace alertjoin
