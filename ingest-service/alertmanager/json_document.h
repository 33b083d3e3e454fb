#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace alertjoin {

// A value of a JsonDocument, which must outlive it and owns all that it gives. The names are those
// of nlohmann::json.
class JsonValue {
 public:
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_number() const { return is_number_unsigned() || kind_ >= Kind::kInteger; }
  bool is_number_unsigned() const { return kind_ == Kind::kUnsigned; }
  // "object", "number" and so on.
  const char* type_name() const;

  // Of an object's member.
  std::string_view key() const { return key_; }
  // REQUIRES: a string.
  std::string_view text() const { return text_; }
  // REQUIRES: an unsigned number.
  uint64_t unsigned_number() const { return unsigned_; }
  // REQUIRES: a number.
  double number() const;

  // Members or elements; doubled members count each.
  size_t size() const { return size_; }
  // They are passed in the order of the text.
  //   for (const JsonValue& element : array) ...
  class const_iterator;
  const_iterator begin() const;
  const_iterator end() const;
  // The member, of doubled ones the last; null when there is none. Linear in the members.
  const JsonValue* Find(std::string_view name) const;
  bool contains(std::string_view name) const { return Find(name) != nullptr; }

 private:
  friend class JsonDocumentBuilder;
  enum class Kind : uint8_t {
    kNull,
    kBoolean,
    kString,
    kObject,
    kArray,
    kUnsigned,
    kInteger,  // Below 0.
    kFloat,
  };

  Kind kind_ = Kind::kNull;
  uint32_t size_ = 0;
  uint32_t span_ = 1;  // Values in all that begin here: this one, and what it holds behind it.
  std::string_view key_;
  std::string_view text_;
  union {
    uint64_t unsigned_ = 0;
    int64_t integer_;
    double float_;
  };
};

class JsonValue::const_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = JsonValue;
  using difference_type = std::ptrdiff_t;
  using pointer = const JsonValue*;
  using reference = const JsonValue&;

  const_iterator() = default;
  explicit const_iterator(const JsonValue* at) : at_(at) {}
  const JsonValue& operator*() const { return *at_; }
  const JsonValue* operator->() const { return at_; }
  const_iterator& operator++() {
    at_ += at_->span_;
    return *this;
  }
  const_iterator operator++(int) {
    const const_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const_iterator, const_iterator) = default;

 private:
  const JsonValue* at_ = nullptr;
};

inline JsonValue::const_iterator JsonValue::begin() const { return const_iterator(this + 1); }
inline JsonValue::const_iterator JsonValue::end() const { return const_iterator(this + span_); }

// A parsed JSON text for reading: all values in one piece of memory and all strings in another, so
// that making it takes a tenth of the time of an nlohmann::json, which is made value by value.
// Movable; its values stay where they are. Never empty.
class JsonDocument {
 public:
  // Parses as ParseJson (json_limits.h) does, with its limits and errors.
  static absl::StatusOr<JsonDocument> Parse(std::string_view text);

  const JsonValue& root() const { return values_.front(); }

 private:
  friend class JsonDocumentBuilder;
  explicit JsonDocument(size_t text_bytes)
      : texts_(std::make_unique_for_overwrite<char[]>(text_bytes)) {}

  std::vector<JsonValue> values_;
  std::unique_ptr<char[]> texts_;  // What their views see.
};

}  // namespace alertjoin
