#pragma once

#include "alertjoin/v1/samples.pb.h"
#include "common/event/event.h"
#include "correlator-service/tables/sample_leaf.h"

namespace alertjoin {

// Samples and series as readers get them. `out` must be empty.
void EncodeSample(const Sample& sample, v1::Sample* out);
void EncodeSeries(const SeriesKey& series, v1::Series* out);

}  // namespace alertjoin
