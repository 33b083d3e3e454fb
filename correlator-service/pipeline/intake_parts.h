#pragma once

#include <cstddef>
#include <vector>

#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// The batch in parts of about `part_bytes`, in order, so that others need not wait for all of it:
// between two events, and within an event that has samples only. Whoever takes all parts has taken
// the batch; the last one says that it is durable. A part that ends within an event tells a
// position before that: should the others never come, its producer sends the event again, and
// samples that are known change nothing. What cannot be divided is larger than that.
std::vector<IntakeBatch> Divide(IntakeBatch batch, size_t part_bytes);

}  // namespace alertjoin
