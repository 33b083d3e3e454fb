#pragma once

#include <cstddef>

#include "correlator-service/model/alert.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// About how many bytes the row takes on the wire, which is also about what it holds in memory when
// nothing of it is shared. For limits: within a factor of two.
size_t ApproximateBytes(const JoinedRow& row);
size_t ApproximateBytes(const Alert& alert);
// The same of its transition alone.
size_t ApproximateBytes(const Transition& transition);

}  // namespace alertjoin
