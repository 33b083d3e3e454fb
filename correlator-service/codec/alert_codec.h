#pragma once

#include "alertjoin/v1/alerts.pb.h"
#include "correlator-service/model/alert.h"

namespace alertjoin {

// Fills `out`, which must be empty, from the alert. `operation` stands in for the alert's own: what
// the change means to the reader, whose filter it may only have left.
void EncodeAlert(const Alert& alert, Operation operation, v1::Alert* out);

}  // namespace alertjoin
