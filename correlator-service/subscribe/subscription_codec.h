#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alertjoin/v1/correlator_service.pb.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "correlator-service/subscribe/subscription_message.h"

namespace alertjoin {

struct SubscribeRequest {
  SubscriptionArguments arguments;
  Millis progress_interval;  // Within the limits of the protocol.
};

// INVALID_ARGUMENT with the reason that correlator_service.proto states and the field at fault. The
// resume token is not looked at.
absl::StatusOr<SubscribeRequest> DecodeSubscribeRequest(
    const v1::SubscribeJoinedRowsRequest& request);

// Fills `out`, which must be empty.
void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeJoinedRowsResponse* out);

// The same as bytes: a serialised v1::SubscribeJoinedRowsResponse in pieces, in order. What
// messages of several subscribers have in common is serialised once, and the large pieces of it are
// shared by them. None is empty.
using SerialisedMessage = std::vector<std::shared_ptr<const std::string>>;
SerialisedMessage SerialiseSubscriptionMessage(const SubscriptionMessage& message);

}  // namespace alertjoin
