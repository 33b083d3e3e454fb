#pragma once

#include <cstddef>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// Takes the samples after `limit` out of the events, and gives their number. The others keep their
// order.
size_t DropFutureSamples(Timestamp limit, std::vector<Event>& events);

}  // namespace alertjoin
