#pragma once

#include <google/protobuf/duration.pb.h>

#include <string>

#include "absl/status/statusor.h"
#include "alertjoin/v1/subscription.pb.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// What the requests of all subscriptions have in common.
struct SubscriptionFields {
  bool live_only = false;
  Millis snapshot_window;
  Millis progress_interval;  // Within the limits of the protocol.
  std::string resume_token;  // Not looked at.
};

// INVALID_ARGUMENT, reason INVALID_START, INVALID_SNAPSHOT_WINDOW or INVALID_PROGRESS_INTERVAL,
// with the field. Null spans are not given; `window` stands in for the first.
absl::StatusOr<SubscriptionFields> DecodeSubscriptionFields(
    v1::SubscriptionStart start, const google::protobuf::Duration* snapshot_window,
    const google::protobuf::Duration* progress_interval, Millis window);
template <typename Request>
absl::StatusOr<SubscriptionFields> DecodeSubscriptionFields(const Request& request, Millis window) {
  auto fields = DecodeSubscriptionFields(
      request.start(), request.has_snapshot_window() ? &request.snapshot_window() : nullptr,
      request.has_progress_interval() ? &request.progress_interval() : nullptr, window);
  if (fields.ok()) fields->resume_token = request.resume_token();
  return fields;
}

}  // namespace alertjoin
