#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace alertjoin {

// A map, as a vector that is sorted by key, for what mostly has few entries, and mostly grows at
// the end and shrinks at the front: there adding and erasing take constant time (amortised).
// Elsewhere they move the entries behind or before. The first entry lies in the object itself, and
// where the last ones lie is known without reading them. Iterators are pointers, which any change
// makes invalid. Values must have a default. Not thread-safe; movable as its entries are.
template <typename Key, typename Value>
class SmallMap {
 public:
  using Entry = std::pair<Key, Value>;
  using iterator = Entry*;
  using const_iterator = const Entry*;

  bool empty() const { return gone_ == entries_.size(); }
  size_t size() const { return entries_.size() - gone_; }
  iterator begin() { return entries_.data() + gone_; }
  iterator end() { return entries_.data() + entries_.size(); }
  const_iterator begin() const { return entries_.data() + gone_; }
  const_iterator end() const { return entries_.data() + entries_.size(); }
  // REQUIRES: not empty.
  const Entry& back() const { return entries_.back(); }

  // The first entry whose key is not less than `key`; whose key is greater; whose key is equal.
  iterator lower_bound(const Key& key) { return Mutable(std::as_const(*this).lower_bound(key)); }
  const_iterator lower_bound(const Key& key) const {
    if (empty() || back().first < key) return end();  // Most that is new comes last.
    return std::lower_bound(begin(), end(), key, [](const Entry& entry, const Key& wanted) {
      return entry.first < wanted;
    });
  }
  iterator upper_bound(const Key& key) { return Mutable(std::as_const(*this).upper_bound(key)); }
  const_iterator upper_bound(const Key& key) const {
    const const_iterator place = lower_bound(key);
    return place == end() || key < place->first ? place : std::next(place);
  }
  iterator find(const Key& key) { return Mutable(std::as_const(*this).find(key)); }
  const_iterator find(const Key& key) const {
    const const_iterator place = lower_bound(key);
    return place == end() || key < place->first ? end() : place;
  }

  // The value of the key, which is added where it is not there.
  Value& operator[](const Key& key) {
    const iterator place = lower_bound(key);
    if (place != end() && !(key < place->first)) return place->second;
    return entries_.emplace(place, key, Value())->second;
  }

  // The entry behind what was erased.
  iterator erase(iterator at) { return erase(at, std::next(at)); }
  iterator erase(iterator first, iterator last) {
    if (first == last) return last;
    if (first - begin() >= end() - last) return entries_.erase(first, last);
    // Fewer lie before than behind: those move up, and what is left behind at the front is emptied.
    const auto behind = end() - last;
    const iterator kept = std::move_backward(begin(), first, last);
    for (iterator entry = begin(); entry != kept; ++entry) *entry = Entry();
    gone_ += static_cast<size_t>(kept - begin());
    if (gone_ >= size()) {
      entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(gone_));
      gone_ = 0;
    }
    return end() - behind;
  }

  // Asks the processor for the last entry and the place behind it.
  void PrefetchEnd() const {
    __builtin_prefetch(end() - (empty() ? 0 : 1), 1);
    __builtin_prefetch(end(), 1);
  }

 private:
  iterator Mutable(const_iterator entry) {
    return begin() + (entry - std::as_const(*this).begin());
  }

  absl::InlinedVector<Entry, 1> entries_;
  size_t gone_ = 0;  // So many at the front are no more.
};

}  // namespace alertjoin
