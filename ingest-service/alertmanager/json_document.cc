#include "ingest-service/alertmanager/json_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "common/status/status.h"
#include "common/text/json_reader.h"
#include "ingest-service/alertmanager/json_limits.h"

namespace alertjoin {
namespace {

static_assert(JsonReader::kDepthMax == kJsonDepthMax);
// A value takes so many bytes of a notification, about: what room is made for at first, up to a
// limit.
constexpr size_t kBytesPerValue = 24;
constexpr size_t kFirstValuesMax = 4096;

// The number as `T`; false when it is none.
template <typename T>
bool ParseNumber(std::string_view text, T* value) {
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && parsed_to == end;
}

}  // namespace

// What a parser tells of the text, in its order. False ends the parse.
class JsonDocumentBuilder {
 public:
  JsonDocumentBuilder(JsonDocument& document, size_t text_bytes)
      : document_(document), free_(document.texts_.get()), free_end_(free_ + text_bytes) {}

  // Fills the document from its own texts, which hold the text: strings stay where they stand, but
  // for those with escapes, which become shorter. False when it is no JSON or over a limit, and
  // for a few texts that nlohmann's parser takes all the same.
  bool ReadInPlace(std::string_view text);

  const absl::Status& error() const { return error_; }

  // The names are those of nlohmann::json_sax.
  bool null() { return Add(JsonValue::Kind::kNull); }
  bool boolean(bool) { return Add(JsonValue::Kind::kBoolean); }
  bool number_integer(int64_t value) {
    Add(JsonValue::Kind::kInteger);
    Last().integer_ = value;
    return true;
  }
  bool number_unsigned(uint64_t value) {
    Add(JsonValue::Kind::kUnsigned);
    Last().unsigned_ = value;
    return true;
  }
  bool number_float(double value, const std::string&) {
    Add(JsonValue::Kind::kFloat);
    Last().float_ = value;
    return true;
  }
  bool string(std::string_view text) {
    Add(JsonValue::Kind::kString);
    Last().text_ = Keep(text);
    return true;
  }
  bool binary(const nlohmann::json::binary_t&) { return false; }  // Not in a text.
  bool key(std::string_view key) {
    key_ = Keep(key);
    return true;
  }
  bool start_object(size_t) { return Open(JsonValue::Kind::kObject); }
  bool start_array(size_t) { return Open(JsonValue::Kind::kArray); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
    error_ = NotJson(error);
    return false;
  }

 private:
  JsonValue& Last() { return document_.values_.back(); }

  bool Add(JsonValue::Kind kind) {
    if (depth_ > 0) ++document_.values_[open_[depth_ - 1]].size_;
    JsonValue& value = document_.values_.emplace_back();
    value.kind_ = kind;
    value.key_ = std::exchange(key_, {});
    return true;
  }
  bool Open(JsonValue::Kind kind) {
    Add(kind);
    open_[depth_++] = document_.values_.size() - 1;
    return true;
  }
  bool Close() {
    const size_t opened = open_[--depth_];
    document_.values_[opened].span_ = static_cast<uint32_t>(document_.values_.size() - opened);
    return true;
  }
  // Reads a value, or the begin of one that holds others.
  bool ReadNext(JsonReader& reader);
  bool ReadNumber(JsonReader& reader);
  // From the end of a value to the next one. `*more` is false when that was the last.
  bool ReadOn(JsonReader& reader, bool* more);

  // A string has no more bytes than its text: escapes are longer than what they stand for.
  std::string_view Keep(std::string_view text) {
    // Read in place; all that is kept from now on stands behind it.
    if (std::less_equal<>()(free_, text.data()) && std::less<>()(text.data(), free_end_)) {
      free_ = const_cast<char*>(text.data()) + text.size();
      return text;
    }
    CHECK(text.size() <= static_cast<size_t>(free_end_ - free_));
    std::memcpy(free_, text.data(), text.size());
    const std::string_view kept(free_, text.size());
    free_ += text.size();
    return kept;
  }

  JsonDocument& document_;
  char* free_;
  char* const free_end_;
  std::string_view key_;  // Of the next value.
  // The objects and arrays that are not complete, by their positions.
  std::array<size_t, kJsonDepthMax> open_{};
  size_t depth_ = 0;
  size_t separators_ = 0;  // As CheckJsonLimits counts them.
  absl::Status error_;
};

bool JsonDocumentBuilder::ReadInPlace(std::string_view text) {
  document_.values_.reserve(std::min(text.size() / kBytesPerValue + 1, kFirstValuesMax));
  JsonReader reader(text);
  for (bool more = true; more;) {
    if (!ReadNext(reader) || !ReadOn(reader, &more)) return false;
  }
  return reader.Finish();
}

bool JsonDocumentBuilder::ReadNext(JsonReader& reader) {
  std::string_view text;
  switch (reader.Peek()) {
    case '{':
      return reader.EnterObject() && Open(JsonValue::Kind::kObject);
    case '[':
      return reader.EnterArray() && Open(JsonValue::Kind::kArray);
    case '"':
      return reader.ReadString(&text) && string(text);
    case 'n':
      return reader.Skip() && null();
    case 't':
    case 'f':
      return reader.Skip() && boolean(true);
    default:
      return ReadNumber(reader);
  }
}

bool JsonDocumentBuilder::ReadNumber(JsonReader& reader) {
  std::string_view text;
  if (!reader.ReadNumber(&text)) return false;
  // Those beyond 64 bits are floats, too.
  if (text.find_first_of(".eE") == text.npos) {
    uint64_t natural = 0;
    int64_t integer = 0;
    if (text.front() != '-' && ParseNumber(text, &natural)) return number_unsigned(natural);
    if (text.front() == '-' && ParseNumber(text, &integer)) return number_integer(integer);
  }
  double value = 0;
  return ParseNumber(text, &value) && number_float(value, std::string());
}

bool JsonDocumentBuilder::ReadOn(JsonReader& reader, bool* more) {
  for (; depth_ > 0; Close()) {
    const JsonValue& open = document_.values_[open_[depth_ - 1]];
    const bool first = open.size() == 0;
    std::string_view name;
    if (open.is_object() ? reader.NextKey(&name) : reader.NextElement()) {
      if (open.is_object()) key(name);
      separators_ += (first ? 0 : 1) + (open.is_object() ? 1 : 0);
      return separators_ <= kJsonSeparatorsMax;
    }
    if (!reader.ok()) return false;
  }
  *more = false;
  return true;
}

const char* JsonValue::type_name() const {
  switch (kind_) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "boolean";
    case Kind::kString:
      return "string";
    case Kind::kObject:
      return "object";
    case Kind::kArray:
      return "array";
    case Kind::kUnsigned:
    case Kind::kInteger:
    case Kind::kFloat:
      return "number";
  }
  return "unknown";
}

double JsonValue::number() const {
  if (kind_ == Kind::kUnsigned) return static_cast<double>(unsigned_);
  return kind_ == Kind::kInteger ? static_cast<double>(integer_) : float_;
}

const JsonValue* JsonValue::Find(std::string_view name) const {
  const JsonValue* found = nullptr;
  for (const JsonValue& member : *this) {
    if (member.key() == name) found = &member;
  }
  return found;
}

absl::StatusOr<JsonDocument> JsonDocument::Parse(std::string_view text) {
  {
    JsonDocument document(text.size());
    std::copy(text.begin(), text.end(), document.texts_.get());
    JsonDocumentBuilder builder(document, text.size());
    if (builder.ReadInPlace({document.texts_.get(), text.size()})) return document;
  }
  // It is hardly ever taken now. nlohmann's parser says best why not.
  RETURN_IF_ERROR(CheckJsonLimits(text));
  JsonDocument document(text.size());
  JsonDocumentBuilder builder(document, text.size());
  if (nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder)) return document;
  return builder.error();
}

}  // namespace alertjoin
