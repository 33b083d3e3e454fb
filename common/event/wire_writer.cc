#include "common/event/wire_writer.h"

#include <bit>

#include "common/event/event_parts.h"

namespace alertjoin {
namespace {

// Of the message that an entry of a map is.
constexpr int kKeyField = 1;
constexpr int kValueField = 2;

size_t VarintBytes(uint64_t number) {
  return (static_cast<size_t>(std::bit_width(number | 1)) + 6) / 7;
}

size_t ElementBytes(std::string_view text) { return 1 + VarintBytes(text.size()) + text.size(); }

}  // namespace

void WireWriter::Labels(int field, const LabelSet& labels) {
  for (const auto& [name, value] : labels) {
    Tag(field, kLengthDelimited);
    Varint(ElementBytes(name) + ElementBytes(value));
    Element(kKeyField, name);
    Element(kValueField, value);
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

void WireWriter::SetLength(size_t at, size_t length) {
  if (length >= 0x80) {
    out_.insert(at, VarintBytes(length) - 1, '\0');
    for (; length >= 0x80; length >>= 7) out_[at++] = static_cast<char>(length | 0x80);
  }
  out_[at] = static_cast<char>(length);
}

}  // namespace alertjoin
