// libFuzzer target: tokens that clients give back. A text is taken only if it is the very text that
// we would write for what it says; every token that can be made of the input is read back as it
// was; and with one character changed it is refused.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/token_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS

#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "correlator-service/rows/opaque_token.h"

namespace alertjoin {
namespace {

void Require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  fmt::print(stderr, "{}: {}\n", what, text);
  std::abort();
}

constexpr TokenKind kKinds[] = {TokenKind::kResume, TokenKind::kPage, TokenKind::kSeriesPage};

// As it came: nothing is taken that Seal would not have written.
void TryText(const std::string& text) {
  for (const TokenKind kind : kKinds) {
    auto reader = TokenReader::Open(kind, text);
    if (!reader.has_value()) continue;
    TokenWriter writer;
    std::string content;
    // One byte at a time, to the end.
    while (!reader->AtEnd() && content.size() < text.size()) {
      const uint8_t byte = reader->ReadUint8();
      writer.AddUint8(byte);
      content += static_cast<char>(byte);
    }
    Require(writer.Seal(kind) == text, "another text for the same", text);
  }
}

void TryMade(FuzzedDataProvider& data) {
  const TokenKind kind = data.PickValueInArray(kKinds);
  const uint64_t number = data.ConsumeIntegral<uint64_t>();
  const int64_t signed_number = data.ConsumeIntegral<int64_t>();
  const size_t at = data.ConsumeIntegral<uint16_t>();
  const uint8_t flip = data.ConsumeIntegralInRange<uint8_t>(1, 255);
  const std::string bytes = data.ConsumeRandomLengthString(300);
  TokenWriter writer;
  writer.AddUint64(number);
  writer.AddInt64(signed_number);
  writer.AddBytes(bytes);
  std::string text = writer.Seal(kind);
  auto reader = TokenReader::Open(kind, text);
  Require(reader.has_value(), "refused its own", text);
  Require(reader->ReadUint64() == number && reader->ReadInt64() == signed_number &&
              reader->ReadBytes(bytes.size()) == bytes && reader->AtEnd(),
          "read otherwise", text);
  for (const TokenKind other : kKinds) {
    Require(other == kind || !TokenReader::Open(other, text).has_value(), "of another kind", text);
  }
  text[at % text.size()] = static_cast<char>(text[at % text.size()] ^ flip);
  Require(!TokenReader::Open(kind, text).has_value(), "taken with a fault", text);
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  if (data.ConsumeBool()) {
    alertjoin::TryMade(data);
  } else {
    alertjoin::TryText(data.ConsumeRemainingBytesAsString());
  }
  return 0;
}
