#include "common/text/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "common/status/status.h"
#include "common/text/quoted.h"

namespace alertjoin {
namespace {

// Sets with more labels than this are rare; for them the making allocates once more.
constexpr size_t kUsualLabels = 16;
using Labels = absl::InlinedVector<LabelSet::LabelView, kUsualLabels>;

// glibc's malloc on 64 bits.
constexpr size_t kMallocHeaderBytes = 8;
constexpr size_t kMallocAlignment = 16;
constexpr size_t kMallocBytesMin = 32;

size_t LengthBytes(size_t length) {
  size_t bytes = 1;
  for (; length >= 0x80; length >>= 7) ++bytes;
  return bytes;
}

char* WriteLength(size_t length, char* out) {
  for (; length >= 0x80; length >>= 7) *out++ = static_cast<char>(length | 0x80);
  *out++ = static_cast<char>(length);
  return out;
}

char* WriteText(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

void SortKeepingTheLastOfEqualNames(Labels& labels) {
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(labels.begin(), labels.end(), by_name)) {
    std::stable_sort(labels.begin(), labels.end(), by_name);
  }
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  // From behind, std::unique keeps the last of each run, and what it keeps is at the end.
  const auto kept = std::unique(labels.rbegin(), labels.rend(), same_name);
  labels.erase(labels.begin(), kept.base());
}

// [a-zA-Z_][a-zA-Z0-9_]*
bool IsPlainName(std::string_view name) {
  constexpr std::string_view kPlain =
      "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !name.empty() && (name.front() < '0' || name.front() > '9') &&
         name.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace

template <typename Source>
std::unique_ptr<char[]> LabelSet::MakeBlock(const Source& source) {
  Labels labels(source.begin(), source.end());
  if (labels.empty()) return nullptr;
  SortKeepingTheLastOfEqualNames(labels);
  size_t bytes = 0;
  for (const auto& [name, value] : labels) {
    bytes += LengthBytes(name.size()) + LengthBytes(value.size()) + name.size() + value.size();
  }
  CHECK(bytes <= std::numeric_limits<uint32_t>::max());
  const auto size = static_cast<uint32_t>(bytes);
  auto block = std::make_unique_for_overwrite<char[]>(sizeof(size) + bytes);
  std::memcpy(block.get(), &size, sizeof(size));
  char* out = block.get() + sizeof(size);
  for (const auto& [name, value] : labels) {
    out = WriteLength(value.size(), WriteLength(name.size(), out));
    out = WriteText(value, WriteText(name, out));
  }
  return block;
}

LabelSet::LabelSet(std::span<const LabelView> labels) : block_(MakeBlock(labels)) {}
LabelSet::LabelSet(std::span<const Label> labels) : block_(MakeBlock(labels)) {}

LabelSet::LabelSet(const LabelSet& other) {
  if (other.block_ == nullptr) return;
  const size_t bytes = sizeof(uint32_t) + other.Encoded().size();
  block_ = std::make_unique_for_overwrite<char[]>(bytes);
  std::memcpy(block_.get(), other.block_.get(), bytes);
}

std::string_view LabelSet::Get(std::string_view name) const {
  for (const auto& [candidate, value] : *this) {
    if (candidate == name) return value;
  }
  return {};
}

bool LabelSet::Has(std::string_view name) const {
  return std::any_of(begin(), end(),
                     [name](const LabelView& label) { return label.first == name; });
}

LabelSet LabelSet::Without(std::string_view name) const {
  if (!Has(name)) return *this;
  Labels rest;
  for (const LabelView& label : *this) {
    if (label.first != name) rest.push_back(label);
  }
  return LabelSet(std::span<const LabelView>(rest));
}

size_t LabelSet::size() const { return static_cast<size_t>(std::distance(begin(), end())); }

size_t LabelSet::ByteSize() const {
  size_t bytes = 0;
  for (const auto& [name, value] : *this) bytes += name.size() + value.size();
  return bytes;
}

size_t LabelSet::MemoryBytes() const {
  if (block_ == nullptr) return 0;
  const size_t used = sizeof(uint32_t) + Encoded().size() + kMallocHeaderBytes;
  const size_t rounded = (used + kMallocAlignment - 1) / kMallocAlignment * kMallocAlignment;
  return std::max(rounded, kMallocBytesMin);
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
  for (const auto& [name, value] : *this) {
    if (value.empty()) continue;
    add(name);
    add(value);
  }
  return hash;
}

std::string LabelSet::FingerprintHex() const { return fmt::format("{:016x}", Fingerprint()); }

size_t LabelSet::Hash() const { return std::hash<std::string_view>()(Encoded()); }

std::strong_ordering operator<=>(const LabelSet& a, const LabelSet& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

std::string ToString(const LabelSet& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ", ";
    text += IsPlainName(name) ? std::string(name) : Quoted(name);
    text += '=';
    text += Quoted(value);
  }
  return text + "}";
}

}  // namespace alertjoin
