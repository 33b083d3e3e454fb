#include "ingest-service/uplink/uplink_session.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>

#include <algorithm>
#include <utility>

#include "common/event/event_codec.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kDropped[] = "EVENTS_DROPPED";

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

}  // namespace

UplinkSession::UplinkSession(Spool& spool, Identity identity)
    : spool_(spool), identity_(std::move(identity)) {}

v1::Hello UplinkSession::Connect() {
  encoder_.emplace();
  welcomed_ = false;
  const EventLog::Bounds bounds = spool_.bounds();
  hello_first_ = bounds.first.value();
  v1::Hello hello;
  hello.set_producer_id(identity_.producer_id);
  CHECK(spool_.epoch() != 0);
  hello.set_epoch(spool_.epoch());
  hello.set_log_id(spool_.log_id());
  hello.set_first_sequence(hello_first_);
  hello.set_next_sequence(bounds.next.value());
  hello.set_start_sequence(spool_.start().value());
  hello.set_version(identity_.version);
  return hello;
}

absl::StatusOr<UplinkSession::News> UplinkSession::OnResponse(
    const v1::PushEventsResponse& response) {
  if (response.has_welcome()) {
    if (welcomed_) return absl::InternalError("correlator: sent a second welcome");
    return OnWelcome(response.welcome());
  }
  if (!welcomed_) return absl::InternalError("correlator: did not begin with a welcome");
  News news;
  if (response.has_ack()) {
    ASSIGN_OR_RETURN(news.acked_events, Acknowledge(response.ack().durable_sequence()));
    // What an earlier stream had sent may become durable only now; it need not be sent again.
    next_to_send_ = std::max(next_to_send_, response.ack().durable_sequence() + 1);
  }
  return news;
}

uint64_t UplinkSession::in_flight() const {
  const uint64_t acked = std::max(spool_.acknowledged().value(), hello_first_ - 1);
  return next_to_send_ > acked + 1 ? next_to_send_ - acked - 1 : 0;
}

absl::StatusOr<UplinkSession::News> UplinkSession::OnWelcome(const v1::Welcome& welcome) {
  if (welcome.window_events_max() == 0) {
    return absl::InternalError("correlator: its window takes no events");
  }
  News news;
  const uint64_t durable = welcome.durable_sequence();
  const uint64_t gone = std::min(spool_.acknowledged().value(), hello_first_ - 1);
  if (durable < gone) news.missing_events = gone - durable;
  ASSIGN_OR_RETURN(news.acked_events, Acknowledge(durable));
  news.store_changed = !store_id_.empty() && store_id_ != welcome.store_id();
  news.welcomed = true;
  news.store_id = welcome.store_id();
  if (welcome.has_sample_retention()) {
    ASSIGN_OR_RETURN(news.sample_retention, DecodeSpan(welcome.sample_retention()));
  }
  if (welcome.has_heartbeat_interval()) {
    ASSIGN_OR_RETURN(news.heartbeat_interval, DecodeSpan(welcome.heartbeat_interval()));
  }
  store_id_ = welcome.store_id();
  // Not where the spool begins by now: the correlator knows nothing of what was dropped since.
  next_to_send_ = std::max(durable + 1, hello_first_);
  window_events_ = welcome.window_events_max();
  welcomed_ = true;
  return news;
}

absl::StatusOr<uint64_t> UplinkSession::Acknowledge(uint64_t durable_sequence) {
  // What was dropped before its acknowledgement came is counted as dropped.
  const uint64_t before =
      std::max(spool_.acknowledged().value(), spool_.bounds().first.value() - 1);
  const absl::Status status = spool_.Acknowledge(LogPosition(durable_sequence));
  if (absl::IsOutOfRange(status)) {
    return MakeError(
        "SEQUENCE_REWOUND",
        fmt::format("correlator: acknowledges event {} of log {}, which holds none: {}: the log "
                    "must come back under a new id",
                    durable_sequence, spool_.log_id(), MessageOf(status)));
  }
  RETURN_IF_ERROR(status);
  return durable_sequence > before ? durable_sequence - before : 0;
}

absl::Status UplinkSession::AddEvent(std::string_view record, WireWriter& batch) {
  ASSIGN_OR_RETURN(const auto as_stored, EventOfAnyStream(record));
  if (as_stored.has_value()) {
    batch.Element(v1::EventBatch::kEventsFieldNumber, *as_stored);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Event event, DecodeRecord(record));
  google::protobuf::Arena arena;
  auto* const message = google::protobuf::Arena::CreateMessage<v1::Event>(&arena);
  encoder_->Encode(event, message);
  batch.Element(v1::EventBatch::kEventsFieldNumber, message->SerializeAsString());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<UplinkSession::Batch>> UplinkSession::NextBatch() {
  if (!welcomed_) return std::nullopt;
  const uint64_t acked = spool_.acknowledged().value();
  const uint64_t on_their_way = next_to_send_ - 1 - std::min(acked, next_to_send_ - 1);
  if (on_their_way >= window_events_) return std::nullopt;
  const uint64_t room = window_events_ - on_their_way;
  const size_t records_max = static_cast<size_t>(std::min<uint64_t>(room, kBatchEventsMax));
  const auto chunk = spool_.Read(LogPosition(next_to_send_), records_max, kBatchRecordBytesMax);
  if (absl::IsOutOfRange(chunk.status())) {
    return WithReason(
        absl::OutOfRangeError(fmt::format("spool: dropped event {} before it was sent, goes on "
                                          "with {}",
                                          next_to_send_, spool_.bounds().first.value())),
        kDropped);
  }
  RETURN_IF_ERROR(chunk);
  if (chunk->records.empty()) return std::nullopt;
  Batch batch{{}, chunk->records.size()};
  WireWriter out(batch.request);
  absl::Status added;
  out.Message(v1::PushEventsRequest::kBatchFieldNumber, [&] {
    out.Number(v1::EventBatch::kBaseSequenceFieldNumber, chunk->first.value());
    for (const std::string& record : chunk->records) {
      added = AddEvent(record, out);
      if (!added.ok()) return;
      ++next_to_send_;
    }
  });
  if (!added.ok()) {
    return absl::DataLossError(fmt::format("spool: event {}: {}", next_to_send_, MessageOf(added)));
  }
  return batch;
}

bool UplinkSession::HasMetDrop(const absl::Status& status) { return ReasonOf(status) == kDropped; }

bool UplinkSession::NeedsNewLogId(const absl::Status& status) {
  return ReasonOf(status) == "SEQUENCE_REWOUND" || IsFenced(status);
}

bool UplinkSession::IsFenced(const absl::Status& status) { return ReasonOf(status) == "FENCED"; }

}  // namespace alertjoin
