#include "correlator-service/subscribe/subscription_codec.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_codec.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"

namespace alertjoin {
namespace {

constexpr Millis kSnapshotWindowMax = std::chrono::days(3650);
constexpr Millis kProgressIntervalDefault = std::chrono::seconds(5);
constexpr Millis kProgressIntervalMin{100};
constexpr Millis kProgressIntervalMax = std::chrono::seconds(60);
constexpr int kProgressQueriesMax = 1000;

struct BodyEncoder {
  v1::SubscribeJoinedRowsResponse* out;

  void operator()(const StartedMessage& started) const {
    out->mutable_started()->set_store_id(started.store_id);
    out->mutable_started()->set_sequence(started.sequence.value());
    out->mutable_started()->set_version(ALERTJOIN_VERSION);
  }
  void operator()(const RowsMessage& rows) const {
    auto* const encoded = out->mutable_rows()->mutable_rows();
    encoded->Reserve(static_cast<int>(rows.entries.size()));
    for (const auto& [row, operation] : rows.entries) EncodeRow(*row, operation, encoded->Add());
  }
  void operator()(const SnapshotCompleteMessage& complete) const {
    out->mutable_snapshot_complete()->set_sequence(complete.sequence.value());
  }
  void operator()(const ProgressMessage& progress) const {
    v1::Progress* const encoded = out->mutable_progress();
    encoded->set_sequence(progress.sequence.value());
    *encoded->mutable_send_time() = EncodeTime(progress.send_time);
    for (const QueryProgress& query : *progress.queries) {
      if (!progress.query_name.empty() && query.query.name != progress.query_name) continue;
      if (encoded->queries_size() == kProgressQueriesMax) break;
      EncodeProgress(query, encoded->add_queries());
    }
  }
  void operator()(const GapMessage& gap) const { EncodeGap(*gap.set->gap, out->mutable_gap()); }
};

}  // namespace

absl::StatusOr<SubscribeRequest> DecodeSubscribeRequest(
    const v1::SubscribeJoinedRowsRequest& request) {
  SubscribeRequest decoded;
  ASSIGN_OR_RETURN(decoded.arguments.filter,
                   DecodeRowFilter(request.filter(), request.state(), request.query_name(),
                                   request.final_only()));
  if (!v1::SubscriptionStart_IsValid(request.start())) {
    return InvalidField(
        "INVALID_START", "start",
        fmt::format("{} is no SubscriptionStart", static_cast<int>(request.start())));
  }
  decoded.arguments.live_only = request.start() == v1::SUBSCRIPTION_START_LIVE;
  if (request.has_snapshot_window()) {
    const auto window = DecodeSpan(request.snapshot_window());
    if (!window.ok() || *window < Millis(0) || *window > kSnapshotWindowMax) {
      return InvalidField("INVALID_SNAPSHOT_WINDOW", "snapshot_window",
                          "expected a duration from 0s to 3650d (315360000s)");
    }
    decoded.arguments.snapshot_window = *window;
  }
  decoded.arguments.resume_token = request.resume_token();
  decoded.progress_interval = kProgressIntervalDefault;
  if (request.has_progress_interval()) {
    const auto interval = DecodeSpan(request.progress_interval());
    if (!interval.ok()) {
      return InvalidField("INVALID_PROGRESS_INTERVAL", "progress_interval",
                          MessageOf(interval.status()));
    }
    decoded.progress_interval = std::clamp(*interval, kProgressIntervalMin, kProgressIntervalMax);
  }
  return decoded;
}

void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeJoinedRowsResponse* out) {
  std::visit(BodyEncoder{out}, message.body);
  out->set_resume_token(message.resume_token);
}

}  // namespace alertjoin
