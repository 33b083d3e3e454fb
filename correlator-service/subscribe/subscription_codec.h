#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alertjoin/v1/alerts.pb.h"
#include "alertjoin/v1/correlator_service.pb.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "correlator-service/subscribe/subscription_message.h"

namespace alertjoin {

template <typename Stream>
struct StreamRequest {
  StreamArguments<Stream> arguments;
  Millis progress_interval = {};  // Within the limits of the protocol.
};
using SubscribeRequest = StreamRequest<RowStream>;

// INVALID_ARGUMENT with the reason that correlator_service.proto states and the field at fault. The
// resume token is not looked at.
absl::StatusOr<SubscribeRequest> DecodeSubscribeRequest(
    const v1::SubscribeJoinedRowsRequest& request);
absl::StatusOr<StreamRequest<AlertStream>> DecodeSubscribeRequest(
    const v1::SubscribeAlertsRequest& request);

// Fills `out`, which must be empty. REQUIRES: the message is of that stream.
void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeJoinedRowsResponse* out);
void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeAlertsResponse* out);

// The same as bytes: a serialised response of the message's stream in pieces, in order. What
// messages of several subscribers have in common is serialised once, and the large pieces of it are
// shared by them. None is empty.
using SerialisedMessage = std::vector<std::shared_ptr<const std::string>>;
SerialisedMessage SerialiseSubscriptionMessage(const SubscriptionMessage& message);

}  // namespace alertjoin
