#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alertjoin {

// A set of labels: names with values, ordered by name (bytewise), each name once. A value type.
// Names and values are bytes; nothing is trimmed, folded or validated here.
class LabelSet {
 public:
  using Label = std::pair<std::string, std::string>;
  using const_iterator = std::vector<Label>::const_iterator;

  LabelSet() = default;
  LabelSet(std::initializer_list<Label> labels) : LabelSet(std::vector<Label>(labels)) {}
  // Any order; of labels with one name the last is kept.
  explicit LabelSet(std::vector<Label> labels);

  // The value, or "" when there is no such label: as in PromQL, absent and empty are the same. The
  // view lives as long as this set is neither changed nor destroyed.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  // A copy without the label.
  LabelSet Without(std::string_view name) const;

  size_t size() const { return labels_.size(); }
  bool empty() const { return labels_.empty(); }
  const_iterator begin() const { return labels_.begin(); }
  const_iterator end() const { return labels_.end(); }

  // Bytes of all names and values.
  size_t ByteSize() const;
  // FNV-1a, 64 bits, over name 0xFF value 0xFF of every label that is not empty: the fingerprint
  // that Prometheus and Alertmanager give the set (prometheus/common model/signature.go).
  uint64_t Fingerprint() const;
  // For hash tables of this process.
  size_t Hash() const { return Fingerprint(); }
  // The fingerprint as they write it: 16 lower-case hex digits.
  std::string FingerprintHex() const;

  friend bool operator==(const LabelSet&, const LabelSet&) = default;
  friend auto operator<=>(const LabelSet&, const LabelSet&) = default;

 private:
  const_iterator Find(std::string_view name) const;

  std::vector<Label> labels_;
};

// {a="b", c="d"} with quotes, backslashes and newlines escaped as in PromQL: for people and
// queries.
std::string ToString(const LabelSet& labels);

}  // namespace alertjoin
