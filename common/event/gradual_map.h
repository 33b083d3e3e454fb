#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/status/status.h"

namespace alertjoin {

// A hash map that only grows, and takes no longer for one entry than for any other: where a common
// one moves all its entries at once when it becomes too small, this one moves a few whenever
// one is added. Not thread-safe.
template <typename Key, typename Value, typename Hash>
class GradualMap {
 public:
  GradualMap() = default;
  // next_ points into this one.
  GradualMap(const GradualMap&) = delete;
  GradualMap& operator=(const GradualMap&) = delete;

  // Adds the entry unless there is one with the key. Gives the value that the key then has, and
  // whether it was added.
  std::pair<Value, bool> TryEmplace(Key key, Value value) {
    if (!older_.empty()) {
      if (const auto found = older_.find(key); found != older_.end()) return {found->second, false};
    }
    if (newer_.size() >= newer_room_) {
      if (const auto found = newer_.find(key); found != newer_.end()) return {found->second, false};
      Grow();
    }
    const auto [entry, added] = newer_.try_emplace(std::move(key), std::move(value));
    std::pair<Value, bool> result(entry->second, added);
    if (added) MoveSome();
    return result;
  }

  size_t size() const { return newer_.size() + older_.size(); }
  // For tests: entries that have yet to be moved.
  size_t waiting_to_move() const { return older_.size(); }

 private:
  using Map = absl::flat_hash_map<Key, Value, Hash>;

  static constexpr size_t kFirstRoom = 1'024;
  // With each new entry. More than one: all are moved long before the room is filled again.
  static constexpr size_t kMovedAtOnce = 2;

  void Grow() {
    CHECK(older_.empty());
    older_ = std::move(newer_);
    next_ = older_.begin();
    newer_room_ = std::max(kFirstRoom, 2 * older_.size());
    newer_ = Map();
    newer_.reserve(newer_room_);
  }

  void MoveSome() {
    if (older_.empty()) return;
    for (size_t i = 0; i < kMovedAtOnce && next_ != older_.end(); ++i) {
      newer_.insert(older_.extract(next_++));
    }
    if (next_ == older_.end()) older_ = Map();
  }

  Map newer_;
  size_t newer_room_ = 0;  // Up to so many entries it moves none.
  Map older_;
  typename Map::iterator next_;  // The first of older_ that has not been moved.
};

}  // namespace alertjoin
