#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Appends fields to a serialised protobuf message, straight from the plain structs: several times
// faster than by way of a message object, whose maps and strings take memory one by one. Numbers
// and texts that are the default are left out, as proto3 has it. Not thread-safe. The text must
// outlive the writer.
// Source: protobuf.dev/programming-guides/encoding.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  // string and bytes.
  void Text(int field, std::string_view text) {
    if (!text.empty()) Element(field, text);
  }
  // One of a repeated field, or of a oneof: written even when it is empty.
  void Element(int field, std::string_view text) {
    Tag(field, kLengthDelimited);
    Varint(text.size());
    out_.append(text);
  }
  // bool, enums and unsigned integers; int32 and int64 when converted by sign extension.
  void Number(int field, uint64_t number) {
    if (number == 0) return;
    Tag(field, kVarint);
    Varint(number);
  }
  // An `optional double` that has a value.
  void Double(int field, double value) {
    Tag(field, kFixed64);
    const auto bits = std::bit_cast<uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(bits >> shift));
  }
  // A message that is there: `fill` appends its fields.
  template <typename Fill>
  void Message(int field, const Fill& fill) {
    Tag(field, kLengthDelimited);
    // Most lengths take one byte.
    const size_t begin = out_.size();
    out_.push_back(0);
    fill();
    SetLength(begin, out_.size() - begin - 1);
  }

  // map<string, string>.
  void Labels(int field, const LabelSet& labels);
  // google.protobuf.Timestamp and Duration.
  void Time(int field, Timestamp time);
  void Span(int field, Millis span);

 private:
  enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2 };

  void Tag(int field, WireType type) { Varint(static_cast<uint64_t>(field) << 3 | type); }
  void Varint(uint64_t number) {
    for (; number >= 0x80; number >>= 7) out_.push_back(static_cast<char>(number | 0x80));
    out_.push_back(static_cast<char>(number));
  }
  // In place of the byte at `at`; what is behind moves when it takes more.
  void SetLength(size_t at, size_t length);

  std::string& out_;
};

}  // namespace alertjoin
