#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace alertjoin {

// A number of places, each of which one at a time may take. Thread-safe. Must outlive those who
// have one.
class Places {
 public:
  // Given back when the last copy is destroyed.
  using Place = std::shared_ptr<void>;

  explicit Places(size_t places_max) : places_max_(places_max) {}

  size_t max() const { return places_max_; }
  // Null when none is free.
  Place Take() {
    if (taken_.fetch_add(1) >= places_max_) {
      --taken_;
      return nullptr;
    }
    return Place(&taken_, [this](void*) { --taken_; });
  }

 private:
  const size_t places_max_;
  std::atomic<size_t> taken_{0};
};

}  // namespace alertjoin
