#include "ingest-service/alertmanager/json_document.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/alertmanager/json_limits.h"

namespace alertjoin {

// What nlohmann's parser tells of the text, in its order. False ends the parse.
class JsonDocumentBuilder {
 public:
  JsonDocumentBuilder(JsonDocument& document, size_t text_bytes)
      : document_(document), free_(document.texts_.get()), free_end_(free_ + text_bytes) {}

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
  bool string(const std::string& text) {
    Add(JsonValue::Kind::kString);
    Last().text_ = Keep(text);
    return true;
  }
  bool binary(const nlohmann::json::binary_t&) { return false; }  // Not in a text.
  bool key(const std::string& key) {
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
  // A string has no more bytes than its text: escapes are longer than what they stand for.
  std::string_view Keep(const std::string& text) {
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
  absl::Status error_;
};

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
  RETURN_IF_ERROR(CheckJsonLimits(text));
  JsonDocument document(text.size());
  JsonDocumentBuilder builder(document, text.size());
  if (nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder)) return document;
  return builder.error();
}

}  // namespace alertjoin
