#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace alertjoin {

// Reads JSON (RFC 8259) from front to back, value by value, straight from the text: no document is
// made, nothing is called back, and nothing recurses. For answers so large that a document, or an
// index of one, would take more memory than they do.
//
//   if (reader.EnterObject()) {
//     std::string_view key;
//     while (reader.NextKey(&key)) key == "a" ? ReadA(reader) : reader.Skip();
//   }
//   if (!reader.Finish()) return error(reader.failure());
//
// Every function gives false when it cannot: the text is no JSON, or another kind of value comes
// next, or it is nested deeper than kDepthMax. The first such failure is kept, with its place, and
// everything after it gives false, too. Not thread-safe. The text must outlive the reader.
class JsonReader {
 public:
  static constexpr size_t kDepthMax = 32;

  explicit JsonReader(std::string_view text)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  // The first character of the next value: { [ " t f n, a digit or a minus; 0 when there is none.
  char Peek() {
    SkipSpace();
    return at_ < end_ ? *at_ : '\0';
  }

  // Into an object or array; then the next of its keys (the value must be read or skipped) or
  // elements, until these give false and it has been left, or something failed.
  bool EnterObject() { return Enter('{', "an object"); }
  bool EnterArray() { return Enter('[', "an array"); }
  bool NextKey(std::string_view* key);
  bool NextElement() { return Next(); }

  // A string without its escapes, valid until the next string or key is read. UTF-8.
  bool ReadString(std::string_view* text);
  // A number as it is written.
  bool ReadNumber(std::string_view* text);
  // A value of any kind.
  bool Skip();

  // Whether all was well, and nothing but space is left.
  bool Finish();

  // Records a failure of the caller's own, at this place. Gives false.
  bool Fail(std::string_view why);
  bool ok() const { return failure_.empty(); }
  // "a point is no array at byte 512"; empty when all is well.
  const std::string& failure() const { return failure_; }

 private:
  bool Enter(char opening, std::string_view what);
  bool Next();
  bool Expected(std::string_view what);
  bool SkipScalar();
  bool SkipLiteral(std::string_view literal);
  // With escapes or beyond ASCII, or broken.
  bool ReadAnyString(std::string_view* text);
  bool ReadEscape();
  bool ReadHex4(uint32_t* code);
  void AppendUtf8(uint32_t code);
  void SkipSpace() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool SkipDigits() {
    const char* const first = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ > first;
  }

  const char* const begin_;
  const char* at_;  // After a failure the end, so that nothing is left to be read.
  const char* const end_;
  size_t depth_ = 0;
  // Of the objects and arrays that we are inside of.
  std::array<char, kDepthMax> closing_{};
  std::array<bool, kDepthMax> has_entry_{};
  std::string unescaped_;
  std::string failure_;
};

inline bool JsonReader::Enter(char opening, std::string_view what) {
  if (Peek() != opening) return Expected(what);
  if (depth_ == kDepthMax) return Fail("nested deeper than 32");
  closing_[depth_] = opening == '{' ? '}' : ']';
  has_entry_[depth_++] = false;
  ++at_;
  return true;
}

inline bool JsonReader::Next() {
  const char next = Peek();
  if (next == closing_[depth_ - 1]) {
    --depth_;
    ++at_;
    return false;
  }
  if (!has_entry_[depth_ - 1]) return has_entry_[depth_ - 1] = ok();
  if (next != ',') return Expected("a comma or the end of the object or array");
  ++at_;
  return true;
}

inline bool JsonReader::ReadString(std::string_view* text) {
  if (Peek() != '"') return Expected("a string");
  const char* const first = ++at_;
  for (; at_ < end_; ++at_) {
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte == '"') {
      *text = {first, static_cast<size_t>(at_ - first)};
      ++at_;
      return true;
    }
    if (byte < 0x20 || byte == '\\' || byte >= 0x80) break;
  }
  at_ = first;
  return ReadAnyString(text);
}

inline bool JsonReader::ReadNumber(std::string_view* text) {
  const char* const first = Peek() == '\0' ? end_ : at_;
  if (first < end_ && *first == '-') ++at_;
  const bool zero = at_ < end_ && *at_ == '0';
  if (!SkipDigits() || (zero && at_ - first > (*first == '-' ? 2 : 1))) {
    at_ = first;
    return Expected("a number");
  }
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!SkipDigits()) return Expected("a digit");
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!SkipDigits()) return Expected("a digit");
  }
  *text = {first, static_cast<size_t>(at_ - first)};
  return true;
}

}  // namespace alertjoin
