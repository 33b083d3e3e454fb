#include "common/event/wire_writer.h"

#include "common/event/event_parts.h"

namespace alertjoin {
namespace {

// Of the message that an entry of a map is.
constexpr int kKeyField = 1;
constexpr int kValueField = 2;

}  // namespace

void WireWriter::Labels(int field, const LabelSet& labels) {
  for (const auto& [name, value] : labels) {
    Message(field, [&, &label_name = name, &label_value = value] {
      Element(kKeyField, label_name);
      Element(kValueField, label_value);
    });
  }
}

void WireWriter::Time(int field, Timestamp time) {
  const google::protobuf::Timestamp parts = EncodeTime(time);
  Message(field, [&] {
    Number(google::protobuf::Timestamp::kSecondsFieldNumber,
           static_cast<uint64_t>(parts.seconds()));
    Number(google::protobuf::Timestamp::kNanosFieldNumber, static_cast<uint64_t>(parts.nanos()));
  });
}

void WireWriter::Span(int field, Millis span) {
  const google::protobuf::Duration parts = EncodeSpan(span);
  Message(field, [&] {
    Number(google::protobuf::Duration::kSecondsFieldNumber, static_cast<uint64_t>(parts.seconds()));
    Number(google::protobuf::Duration::kNanosFieldNumber,
           static_cast<uint64_t>(int64_t{parts.nanos()}));
  });
}

void WireWriter::InsertVarint(size_t at, uint64_t number) {
  const size_t end = out_.size();
  Varint(number);
  // What is behind the length is short, so that the move costs little.
  std::string length = out_.substr(end);
  out_.resize(end);
  out_.insert(at, length);
}

}  // namespace alertjoin
