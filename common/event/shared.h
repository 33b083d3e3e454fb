#pragma once

#include <memory>
#include <utility>

namespace alertjoin {

// An immutable value that is passed on by sharing it: a copy copies a pointer. Compares by value.
// Never null, unless moved from. Thread-safe as std::shared_ptr is.
template <typename T>
class Shared {
 public:
  Shared() : Shared(T()) {}
  // Implicit, since it is the value.
  Shared(T value) : pointer_(std::make_shared<const T>(std::move(value))) {}
  // REQUIRES: not null.
  explicit Shared(std::shared_ptr<const T> pointer) : pointer_(std::move(pointer)) {}

  const T& operator*() const { return *pointer_; }
  const T* operator->() const { return pointer_.get(); }
  const std::shared_ptr<const T>& pointer() const { return pointer_; }

  friend bool operator==(const Shared& a, const Shared& b) {
    return a.pointer_ == b.pointer_ || *a == *b;
  }

 private:
  std::shared_ptr<const T> pointer_;
};

}  // namespace alertjoin
