#include "common/event/event_codec.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>

#include "common/event/event_rules.h"
#include "common/event/packed_body.h"
#include "common/event/transition_wire.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kRecordFormat = 1;
// What a payload's record usually has around the body.
constexpr size_t kRecordHeadBytes = 64;
constexpr size_t kTransitionBytes = 1000;  // Most take less.

absl::Status NoEvent() { return MalformedEvent("record", "is no serialised event"); }

// What follows the version of the format.
absl::StatusOr<std::string_view> EventBytes(std::string_view record) {
  if (record.empty()) return MalformedEvent("record", "is empty");
  if (record.front() != kRecordFormat) {
    return MakeError(
        "UNKNOWN_RECORD_FORMAT",
        fmt::format(
            "event record: format {} is unknown, this version of alertjoin reads format {}: use "
            "the version that wrote it",
            static_cast<unsigned char>(record.front()), kRecordFormat + 0));
  }
  record.remove_prefix(1);
  if (record.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return NoEvent();
  return record;
}

}  // namespace

std::string EncodeRecord(const TransitionEvent& transition) {
  std::string record(1, kRecordFormat);
  record.reserve(kTransitionBytes);
  WireWriter out(record);
  out.Message(v1::Event::kTransitionFieldNumber, [&] { WriteTransition(transition, out); });
  return record;
}

std::string EncodeRecord(const RawPayload& payload) {
  using Field = v1::RawPayload;
  std::string record(1, kRecordFormat);
  const std::string packed = PackBody(payload.body);
  const std::string& body = packed.empty() ? payload.body : packed;
  record.reserve(body.size() + kRecordHeadBytes);
  WireWriter out(record);
  out.Message(v1::Event::kRawPayloadFieldNumber, [&] {
    out.Text(Field::kSourceFieldNumber, payload.source);
    out.Time(Field::kReceivedTimeFieldNumber, payload.received_time);
    if (packed.empty()) {
      out.Text(Field::kBodyFieldNumber, body);
    } else {
      out.Text(Field::kLz4BodyFieldNumber, body);
      out.Number(Field::kBodyBytesFieldNumber, payload.body.size());
    }
  });
  return record;
}

std::string EncodeRecord(const Event& event) {
  if (const auto* transition = TransitionOf(event)) return EncodeRecord(*transition);
  if (const auto* payload = std::get_if<RawPayload>(&event)) return EncodeRecord(*payload);
  std::string record(1, kRecordFormat);
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<v1::Event>(&arena);
  EventEncoder().Encode(event, message);
  CHECK(message->AppendToString(&record));
  return record;
}

absl::StatusOr<Event> DecodeRecord(std::string_view record) {
  ASSIGN_OR_RETURN(record, EventBytes(record));
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<v1::Event>(&arena);
  if (!message->ParseFromArray(record.data(), static_cast<int>(record.size()))) {
    return NoEvent();
  }
  return EventDecoder(std::numeric_limits<size_t>::max()).Decode(*message);
}

absl::StatusOr<std::optional<std::string_view>> EventOfAnyStream(std::string_view record) {
  using google::protobuf::internal::WireFormatLite;
  ASSIGN_OR_RETURN(const std::string_view event, EventBytes(record));
  // One field, of the oneof, is all there is.
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(event.data()),
                                            static_cast<int>(event.size()));
  const uint32_t tag = in.ReadTag();
  const int field = WireFormatLite::GetTagFieldNumber(tag);
  const bool is_whole = v1::Event::descriptor()->FindFieldByNumber(field) != nullptr &&
                        WireFormatLite::SkipField(&in, tag) &&
                        in.CurrentPosition() == static_cast<int>(event.size());
  if (!is_whole) return NoEvent();
  if (field == v1::Event::kSamplesFieldNumber) return std::nullopt;
  return event;
}

}  // namespace alertjoin
