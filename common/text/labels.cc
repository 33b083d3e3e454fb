#include "common/text/labels.h"

#include <fmt/format.h>

#include <algorithm>

namespace alertjoin {

LabelSet::LabelSet(std::vector<Label> labels) : labels_(std::move(labels)) {
  const auto by_name = [](const Label& a, const Label& b) { return a.first < b.first; };
  if (!std::is_sorted(labels_.begin(), labels_.end(), by_name)) {
    std::stable_sort(labels_.begin(), labels_.end(), by_name);
  }
  // Keep the last of each run of equal names.
  size_t kept = 0;
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (i + 1 < labels_.size() && labels_[i].first == labels_[i + 1].first) continue;
    if (kept != i) labels_[kept] = std::move(labels_[i]);
    ++kept;
  }
  labels_.resize(kept);
}

LabelSet::const_iterator LabelSet::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      labels_.begin(), labels_.end(), name,
      [](const Label& label, std::string_view wanted) { return label.first < wanted; });
  return found != labels_.end() && found->first == name ? found : labels_.end();
}

std::string_view LabelSet::Get(std::string_view name) const {
  const auto found = Find(name);
  return found == labels_.end() ? std::string_view() : std::string_view(found->second);
}

bool LabelSet::Has(std::string_view name) const { return Find(name) != labels_.end(); }

LabelSet LabelSet::Without(std::string_view name) const {
  LabelSet result;
  result.labels_.reserve(labels_.size());
  for (const Label& label : labels_) {
    if (label.first != name) result.labels_.push_back(label);
  }
  return result;
}

size_t LabelSet::ByteSize() const {
  size_t bytes = 0;
  for (const auto& [name, value] : labels_) bytes += name.size() + value.size();
  return bytes;
}

uint64_t LabelSet::Fingerprint() const {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add_byte = [&hash](unsigned char byte) {
    hash ^= byte;
    hash *= 0x100000001b3;
  };
  const auto add = [&](std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0xff);
  };
  for (const auto& [name, value] : labels_) {
    if (value.empty()) continue;
    add(name);
    add(value);
  }
  return hash;
}

std::string LabelSet::FingerprintHex() const { return fmt::format("{:016x}", Fingerprint()); }

std::string ToString(const LabelSet& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ", ";
    text += name;
    text += "=\"";
    for (const char c : value) {
      if (c == '\n') {
        text += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

}  // namespace alertjoin
