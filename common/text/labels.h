#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace alertjoin {

// A set of labels: names with values, ordered by name (bytewise), each name once. A value type of
// the size of a pointer. Names and values are bytes; nothing is trimmed, folded or validated here.
//
//   for (const auto& [name, value] : labels) text += name;
//
// What it holds is one block of memory, and none when it is empty; a copy allocates and copies the
// block, so what is held in many places is better shared as a whole. Thread-compatible: constant
// member functions may be called from any number of threads. A moved-from set is empty.
class LabelSet {
 public:
  using Label = std::pair<std::string, std::string>;
  // A name and its value. It lives until the set is assigned to or destroyed; a move of the set
  // leaves it valid and hands it over.
  using LabelView = std::pair<std::string_view, std::string_view>;
  using value_type = LabelView;

  // Gives labels by value, for it makes them from the block: a forward iterator to the concepts of
  // C++20 and the algorithms, an input iterator by the old names.
  class const_iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = LabelView;
    using difference_type = std::ptrdiff_t;
    using reference = LabelView;
    struct pointer {
      LabelView label;
      const LabelView* operator->() const { return &label; }
    };

    const_iterator() = default;

    LabelView operator*() const {
      const char* at = at_;
      const size_t name_bytes = ReadLength(&at);
      const size_t value_bytes = ReadLength(&at);
      return {{at, name_bytes}, {at + name_bytes, value_bytes}};
    }
    pointer operator->() const { return {**this}; }
    const_iterator& operator++() {
      const std::string_view value = (**this).second;
      at_ = value.data() + value.size();
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator&, const const_iterator&) = default;

   private:
    friend class LabelSet;
    explicit const_iterator(const char* at) : at_(at) {}

    static size_t ReadLength(const char** at) {
      size_t length = 0;
      for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(*(*at)++);
        length |= static_cast<size_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return length;
      }
    }

    const char* at_ = nullptr;
  };

  LabelSet() = default;
  // Any order; of labels with one name the last is kept. The text is copied.
  // REQUIRES: less than 4 GiB in all.
  LabelSet(std::initializer_list<LabelView> labels)
      : LabelSet(std::span<const LabelView>(labels.begin(), labels.size())) {}
  explicit LabelSet(std::span<const LabelView> labels);
  explicit LabelSet(std::span<const Label> labels);

  LabelSet(const LabelSet& other);
  LabelSet(LabelSet&& other) = default;
  LabelSet& operator=(const LabelSet& other) { return *this = LabelSet(other); }
  LabelSet& operator=(LabelSet&& other) = default;

  // The value, or "" when there is no such label: as in PromQL, absent and empty are the same. The
  // view lives as long as a LabelView does. Linear in the labels.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  // A copy without the label.
  LabelSet Without(std::string_view name) const;

  // Linear in the labels.
  size_t size() const;
  bool empty() const { return block_ == nullptr; }
  const_iterator begin() const { return const_iterator(Encoded().data()); }
  const_iterator end() const {
    const std::string_view encoded = Encoded();
    return const_iterator(encoded.data() + encoded.size());
  }

  // Bytes of all names and values. Linear in the labels.
  size_t ByteSize() const;
  // Bytes of the heap that the block takes, with what the allocator adds (glibc's malloc on 64
  // bits: 8 bytes, rounded up to 16, at least 32); 0 for an empty set. Not counted: the object
  // itself.
  size_t MemoryBytes() const;

  // FNV-1a, 64 bits, over name 0xFF value 0xFF of every label that is not empty: the fingerprint
  // that Prometheus and Alertmanager give the set (prometheus/common model/signature.go).
  uint64_t Fingerprint() const;
  // The fingerprint as they write it: 16 lower-case hex digits.
  std::string FingerprintHex() const;
  // For hash tables: much cheaper than the fingerprint, and not for storing. Unlike there, a label
  // with an empty value counts, as in operator==.
  size_t Hash() const;

  friend bool operator==(const LabelSet& a, const LabelSet& b) {
    return a.Encoded() == b.Encoded();
  }
  // By the labels in their order, each by name and then value, bytewise.
  friend std::strong_ordering operator<=>(const LabelSet& a, const LabelSet& b);

 private:
  template <typename Source>
  static std::unique_ptr<char[]> MakeBlock(const Source& source);

  // Per label the lengths of name and value, each as a varint of the fewest bytes (7 bits per byte,
  // lowest first, the top bit set on all but the last), then name and value. So equal sets have
  // equal bytes. Empty when the set is.
  std::string_view Encoded() const {
    if (block_ == nullptr) return {};
    uint32_t bytes = 0;
    std::memcpy(&bytes, block_.get(), sizeof(bytes));
    return {block_.get() + sizeof(bytes), bytes};
  }

  // The size of what is encoded as a uint32_t, and then that. Null when the set is empty.
  std::unique_ptr<char[]> block_;
};

// {a="b", "c.d"="e"} with quotes, backslashes and newlines escaped as in PromQL: for people and
// queries. Names are in quotes where PromQL knows them only so (Prometheus 3).
std::string ToString(const LabelSet& labels);

}  // namespace alertjoin
