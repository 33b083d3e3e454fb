#include "correlator-service/subscribe/sample_stream_codec.h"

#include "absl/container/flat_hash_map.h"
#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/sample_codec.h"
#include "correlator-service/subscribe/subscription_fields.h"

namespace alertjoin {
namespace {

void EncodeSamples(const SamplesMessage& message, v1::SampleUpdates* out) {
  absl::flat_hash_map<const SeriesKey*, v1::SeriesSamples*> known;
  for (const auto& [round, chosen] : message.parts) {
    for (const ChosenSample& sample : chosen) {
      const SampleBatch& batch = round->batches[sample.batch];
      const SeriesKey& key = *batch.series[batch.series_index[sample.index]];
      const auto [entry, added] = known.try_emplace(&key, nullptr);
      if (added) {
        entry->second = out->add_series();
        EncodeSeries(key, entry->second->mutable_series());
      }
      EncodeSample({batch.times[sample.index], batch.values[sample.index], batch.received_time},
                   entry->second->add_samples());
    }
  }
}

}  // namespace

absl::StatusOr<SamplesRequest> DecodeSubscribeRequest(const v1::SubscribeSamplesRequest& request) {
  SamplesRequest decoded;
  ASSIGN_OR_RETURN(decoded.arguments.series, DecodeSeriesSelector(request.series()));
  ASSIGN_OR_RETURN(const SubscriptionFields fields,
                   DecodeSubscriptionFields(request, kDefaultSampleWindow));
  decoded.arguments.live_only = fields.live_only;
  decoded.arguments.snapshot_window = fields.snapshot_window;
  decoded.arguments.resume_token = fields.resume_token;
  decoded.progress_interval = fields.progress_interval;
  return decoded;
}

void EncodeGap(const Gap& gap, bool anonymous, v1::Gap* out) {
  if (!anonymous) return EncodeGap(gap, out);
  Gap bare;
  bare.from = gap.from;
  bare.through = gap.through;
  bare.reason = "events are missing";
  EncodeGap(bare, out);
}

void EncodeSampleMessage(const SubscriptionMessage& message, v1::SubscribeSamplesResponse* out) {
  if (const auto* const gap = std::get_if<SampleGapMessage>(&message.body)) {
    EncodeGap(gap->round->gaps[gap->index], gap->anonymous, out->mutable_gap());
  } else {
    EncodeSamples(std::get<SamplesMessage>(message.body), out->mutable_samples());
  }
  out->set_resume_token(message.resume_token);
}

}  // namespace alertjoin
