#pragma once

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "correlator-service/subscribe/sample_cursor.h"
#include "correlator-service/subscribe/subscription_message.h"

namespace alertjoin {

struct SamplesRequest {
  SampleArguments arguments;
  Millis progress_interval;  // Within the limits of the protocol.
};

// INVALID_ARGUMENT with the reason that correlator_service.proto states and the field at fault. The
// resume token is not looked at.
absl::StatusOr<SamplesRequest> DecodeSubscribeRequest(const v1::SubscribeSamplesRequest& request);

// Fills `out`, which must be empty. REQUIRES: the message is one of samples, or of a gap among
// them.
void EncodeSampleMessage(const SubscriptionMessage& message, v1::SubscribeSamplesResponse* out);

// Fills `out`, which must be empty. An anonymous one has the time range, and a reason that is the
// same for all.
void EncodeGap(const Gap& gap, bool anonymous, v1::Gap* out);

}  // namespace alertjoin
