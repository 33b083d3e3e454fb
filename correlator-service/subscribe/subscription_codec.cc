#include "correlator-service/subscribe/subscription_codec.h"

#include <google/protobuf/io/coded_stream.h>

#include <type_traits>
#include <utility>

#include "common/event/event_codec.h"
#include "common/status/status.h"
#include "correlator-service/codec/alert_codec.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"
#include "correlator-service/subscribe/sample_stream_codec.h"
#include "correlator-service/subscribe/subscription_fields.h"

namespace alertjoin {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr int kProgressQueriesMax = 1000;
// A smaller piece costs more to hand on than to copy.
constexpr size_t kSharedBytesMin = 4 << 10;

void EncodeEntries(const RowEntries& entries, v1::SubscribeJoinedRowsResponse* out) {
  auto* const encoded = out->mutable_rows()->mutable_rows();
  encoded->Reserve(static_cast<int>(entries.size()));
  for (const auto& [row, operation] : entries) EncodeRow(*row, operation, encoded->Add());
}

void EncodeEntries(const AlertEntries& entries, v1::SubscribeAlertsResponse* out) {
  auto* const encoded = out->mutable_alerts()->mutable_alerts();
  encoded->Reserve(static_cast<int>(entries.size()));
  for (const auto& [alert, operation] : entries) EncodeAlert(*alert, operation, encoded->Add());
}

template <typename Stream, typename Response>
struct BodyEncoder {
  Response* out;

  void operator()(const StartedMessage& started) const {
    out->mutable_started()->set_store_id(started.store_id);
    out->mutable_started()->set_sequence(started.sequence.value());
    out->mutable_started()->set_version(ALERTJOIN_VERSION);
  }
  template <typename Other>
  void operator()(const EntriesMessage<Other>& message) const {
    if constexpr (std::is_same_v<Other, Stream>) {
      EncodeEntries(message.entries, out);
    } else {
      CHECK(false);  // Of another stream.
    }
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
  void operator()(const GapMessage& gap) const {
    EncodeGap(*gap.set->gap, gap.anonymous, out->mutable_gap());
  }
  void operator()(const SamplesMessage&) const { CHECK(false); }  // Of another stream.
  void operator()(const SampleGapMessage&) const { CHECK(false); }
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

// The responses of all streams have the same form on the wire: the fields that they have in common
// have the same numbers, and so have the batches.
using RowsResponse = v1::SubscribeJoinedRowsResponse;
using AlertsResponse = v1::SubscribeAlertsResponse;
using SamplesResponse = v1::SubscribeSamplesResponse;
constexpr int kEntriesFieldNumber = RowsResponse::kRowsFieldNumber;
constexpr bool IsOne(int number, int other) { return number == other; }
static_assert(IsOne(AlertsResponse::kAlertsFieldNumber, kEntriesFieldNumber));
static_assert(IsOne(AlertsResponse::kStartedFieldNumber, RowsResponse::kStartedFieldNumber));
static_assert(IsOne(AlertsResponse::kSnapshotCompleteFieldNumber,
                    RowsResponse::kSnapshotCompleteFieldNumber));
static_assert(IsOne(AlertsResponse::kProgressFieldNumber, RowsResponse::kProgressFieldNumber));
static_assert(IsOne(AlertsResponse::kGapFieldNumber, RowsResponse::kGapFieldNumber));
static_assert(IsOne(AlertsResponse::kResumeTokenFieldNumber,
                    RowsResponse::kResumeTokenFieldNumber));
static_assert(IsOne(SamplesResponse::kStartedFieldNumber, RowsResponse::kStartedFieldNumber));
static_assert(IsOne(SamplesResponse::kSnapshotCompleteFieldNumber,
                    RowsResponse::kSnapshotCompleteFieldNumber));
static_assert(IsOne(SamplesResponse::kProgressFieldNumber, RowsResponse::kProgressFieldNumber));
static_assert(IsOne(SamplesResponse::kResumeTokenFieldNumber,
                    RowsResponse::kResumeTokenFieldNumber));

template <typename Stream>
SerialisedMessage SerialiseEntries(const StreamEntries<Stream>& entries,
                                   const std::string& resume_token) {
  size_t length = 0;
  for (const auto& part : entries.parts()) length += part->Serialised().size();
  SerialisedMessage pieces;
  // Serialised batches, one after the other, are the batch of all that is in them.
  std::string piece;
  AppendFieldHead(kEntriesFieldNumber, length, piece);
  for (const auto& part : entries.parts()) {
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
  AppendFieldHead(RowsResponse::kResumeTokenFieldNumber, resume_token.size(), piece);
  piece += resume_token;
  pieces.push_back(std::make_shared<const std::string>(std::move(piece)));
  return pieces;
}

// What all requests have in common, with the filter that was decoded already.
template <typename Stream, typename Request>
absl::StatusOr<StreamRequest<Stream>> DecodeRequest(typename Stream::Filter filter,
                                                    const Request& request) {
  StreamRequest<Stream> decoded;
  decoded.arguments.filter = std::move(filter);
  ASSIGN_OR_RETURN(const SubscriptionFields fields,
                   DecodeSubscriptionFields(request, kDefaultSnapshotWindow));
  decoded.arguments.live_only = fields.live_only;
  decoded.arguments.snapshot_window = fields.snapshot_window;
  decoded.arguments.resume_token = fields.resume_token;
  decoded.progress_interval = fields.progress_interval;
  return decoded;
}

}  // namespace

absl::StatusOr<SubscribeRequest> DecodeSubscribeRequest(
    const v1::SubscribeJoinedRowsRequest& request) {
  ASSIGN_OR_RETURN(RowFilter filter, DecodeRowFilter(request.filter(), request.state(),
                                                     request.query_name(), request.final_only()));
  return DecodeRequest<RowStream>(std::move(filter), request);
}

absl::StatusOr<StreamRequest<AlertStream>> DecodeSubscribeRequest(
    const v1::SubscribeAlertsRequest& request) {
  ASSIGN_OR_RETURN(AlertFilter filter,
                   DecodeAlertFilter(request.filter(), request.state(), request.source()));
  return DecodeRequest<AlertStream>(std::move(filter), request);
}

void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeJoinedRowsResponse* out) {
  std::visit(BodyEncoder<RowStream, RowsResponse>{out}, message.body);
  out->set_resume_token(message.resume_token);
}

void EncodeSubscriptionMessage(const SubscriptionMessage& message,
                               v1::SubscribeAlertsResponse* out) {
  std::visit(BodyEncoder<AlertStream, AlertsResponse>{out}, message.body);
  out->set_resume_token(message.resume_token);
}

SerialisedMessage SerialiseSubscriptionMessage(const SubscriptionMessage& message) {
  if (const auto* const rows = std::get_if<RowsMessage>(&message.body)) {
    return SerialiseEntries(rows->entries, message.resume_token);
  }
  if (const auto* const alerts = std::get_if<AlertsMessage>(&message.body)) {
    return SerialiseEntries(alerts->entries, message.resume_token);
  }
  if (std::holds_alternative<SamplesMessage>(message.body) ||
      std::holds_alternative<SampleGapMessage>(message.body)) {
    v1::SubscribeSamplesResponse response;
    EncodeSampleMessage(message, &response);
    return {std::make_shared<const std::string>(response.SerializeAsString())};
  }
  // The same bytes in every stream.
  v1::SubscribeJoinedRowsResponse response;
  EncodeSubscriptionMessage(message, &response);
  return {std::make_shared<const std::string>(response.SerializeAsString())};
}

}  // namespace alertjoin
