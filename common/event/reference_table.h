#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace alertjoin {

// Numbers (0, 1, ...) of what a stream defines, by the references that it chose. References that
// are about as small as their count, as producers that count on choose them, are found by a look
// into an array; any others cost more time, but no more memory. Not thread-safe.
class ReferenceTable {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  // False when the reference is known already; nothing is changed then. REQUIRES: `number` is not
  // kUnknown.
  bool Add(uint32_t reference, uint32_t number) {
    if (Find(reference) != kUnknown) return false;
    ++size_;
    if (reference >= kSparseFrom + kSlotsPerEntry * size_) {
      return sparse_.emplace(reference, number).second;
    }
    if (reference >= dense_.size()) dense_.resize(reference + size_t{1}, kUnknown);
    dense_[reference] = number;
    return true;
  }

  // kUnknown when it was not added.
  uint32_t Find(uint32_t reference) const {
    if (reference < dense_.size() && dense_[reference] != kUnknown) return dense_[reference];
    if (sparse_.empty()) return kUnknown;
    const auto found = sparse_.find(reference);
    return found == sparse_.end() ? kUnknown : found->second;
  }

 private:
  static constexpr size_t kSparseFrom = 1024;
  static constexpr size_t kSlotsPerEntry = 2;

  std::vector<uint32_t> dense_;
  absl::flat_hash_map<uint32_t, uint32_t> sparse_;
  size_t size_ = 0;
};

}  // namespace alertjoin
