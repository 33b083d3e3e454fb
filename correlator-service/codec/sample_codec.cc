#include "correlator-service/codec/sample_codec.h"

#include "common/event/event_parts.h"

namespace alertjoin {

void EncodeSample(const Sample& sample, v1::Sample* out) {
  *out->mutable_time() = EncodeTime(sample.time);
  if (!IsStaleMarker(sample.value)) out->set_value(sample.value);
}

void EncodeSeries(const SeriesKey& series, v1::Series* out) {
  EncodeQuery(*series.query, out->mutable_query());
  EncodeLabels(series.labels, out->mutable_labels());
}

}  // namespace alertjoin
