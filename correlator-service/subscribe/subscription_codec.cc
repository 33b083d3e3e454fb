#include "correlator-service/subscribe/subscription_codec.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <utility>

#include "common/event/event_codec.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"

namespace alertjoin {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr Millis kSnapshotWindowMax = std::chrono::days(3650);
constexpr Millis kProgressIntervalDefault = std::chrono::seconds(5);
constexpr Millis kProgressIntervalMin{100};
constexpr Millis kProgressIntervalMax = std::chrono::seconds(60);
constexpr int kProgressQueriesMax = 1000;
// A smaller piece costs more to hand on than to copy.
constexpr size_t kSharedBytesMin = 4 << 10;

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

// Begins a field of bytes, or of a message, of this length.
void AppendFieldHead(int number, size_t length, std::string& to) {
  constexpr uint32_t kLengthFollows = 2;
  constexpr size_t kVarintBytesMax = 10;
  uint8_t head[2 * kVarintBytesMax];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      static_cast<uint32_t>(number) << 3 | kLengthFollows, head);
  end = CodedOutputStream::WriteVarint64ToArray(length, end);
  to.append(head, end);
}

SerialisedMessage SerialiseRows(const RowEntries& entries, const std::string& resume_token) {
  using Response = v1::SubscribeJoinedRowsResponse;
  size_t length = 0;
  for (const SharedSelection& part : entries.parts()) length += part->Serialised().size();
  SerialisedMessage pieces;
  // Serialised batches of rows, one after the other, are the batch of all their rows.
  std::string piece;
  AppendFieldHead(Response::kRowsFieldNumber, length, piece);
  for (const SharedSelection& part : entries.parts()) {
    const std::string& serialised = part->Serialised();
    if (serialised.size() < kSharedBytesMin) {
      piece += serialised;
      continue;
    }
    if (!piece.empty()) {
      pieces.push_back(std::make_shared<const std::string>(std::exchange(piece, {})));
    }
    pieces.emplace_back(part, &serialised);
  }
  AppendFieldHead(Response::kResumeTokenFieldNumber, resume_token.size(), piece);
  piece += resume_token;
  pieces.push_back(std::make_shared<const std::string>(std::move(piece)));
  return pieces;
}

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

SerialisedMessage SerialiseSubscriptionMessage(const SubscriptionMessage& message) {
  if (const auto* const rows = std::get_if<RowsMessage>(&message.body)) {
    return SerialiseRows(rows->entries, message.resume_token);
  }
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage(message, &response);
  return {std::make_shared<const std::string>(response.SerializeAsString())};
}

}  // namespace alertjoin
