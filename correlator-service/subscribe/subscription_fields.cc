#include "correlator-service/subscribe/subscription_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"

namespace alertjoin {
namespace {

constexpr Millis kSnapshotWindowMax = std::chrono::days(3650);
constexpr Millis kProgressIntervalDefault = std::chrono::seconds(5);
constexpr Millis kProgressIntervalMin{100};
constexpr Millis kProgressIntervalMax = std::chrono::seconds(60);

}  // namespace

absl::StatusOr<SubscriptionFields> DecodeSubscriptionFields(
    v1::SubscriptionStart start, const google::protobuf::Duration* snapshot_window,
    const google::protobuf::Duration* progress_interval, Millis window) {
  SubscriptionFields fields;
  if (!v1::SubscriptionStart_IsValid(start)) {
    return InvalidField("INVALID_START", "start",
                        fmt::format("{} is no SubscriptionStart", static_cast<int>(start)));
  }
  fields.live_only = start == v1::SUBSCRIPTION_START_LIVE;
  fields.snapshot_window = window;
  if (snapshot_window != nullptr) {
    const auto decoded = DecodeSpan(*snapshot_window);
    if (!decoded.ok() || *decoded < Millis(0) || *decoded > kSnapshotWindowMax) {
      return InvalidField("INVALID_SNAPSHOT_WINDOW", "snapshot_window",
                          "expected a duration from 0s to 3650d (315360000s)");
    }
    fields.snapshot_window = *decoded;
  }
  fields.progress_interval = kProgressIntervalDefault;
  if (progress_interval != nullptr) {
    const auto decoded = DecodeSpan(*progress_interval);
    if (!decoded.ok()) {
      return InvalidField("INVALID_PROGRESS_INTERVAL", "progress_interval",
                          MessageOf(decoded.status()));
    }
    fields.progress_interval = std::clamp(*decoded, kProgressIntervalMin, kProgressIntervalMax);
  }
  return fields;
}

}  // namespace alertjoin
