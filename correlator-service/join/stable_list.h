#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace alertjoin {

// Objects that stay where they are until they are removed. For where there is nearly always one: it
// lies in the list itself, and so takes no memory of its own and no step to get to. In no
// particular order. Neither copied nor moved. Not thread-safe.
template <typename T>
class StableList {
  template <typename List>
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<std::is_const_v<List>, const T&, T&>;

    Iterator() = default;
    Iterator(List* list, size_t place) : list_(list), place_(place) {}
    reference operator*() const {
      return place_ == 0 ? *list_->inner_ : *(*list_->outer_)[place_ - 1];
    }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    List* list_ = nullptr;
    size_t place_ = 0;
  };

 public:
  StableList() = default;
  StableList(const StableList&) = delete;
  StableList& operator=(const StableList&) = delete;

  // Adds an object made of nothing. Iterators are invalid then; references are not.
  T& Add() {
    if (!inner_) return inner_.emplace();
    if (outer_ == nullptr) outer_ = std::make_unique<Outer>();
    return *outer_->emplace_back(std::make_unique<T>());
  }
  // Removes all for which it is true; it is called once for each.
  template <typename Predicate>
  void RemoveIf(Predicate predicate) {
    if (outer_ != nullptr) {
      std::erase_if(*outer_, [&predicate](const auto& object) { return predicate(*object); });
    }
    if (inner_ && predicate(*inner_)) inner_.reset();
  }
  void clear() {
    inner_.reset();
    outer_.reset();
  }

  size_t size() const { return (inner_ ? 1 : 0) + outer_size(); }
  bool empty() const { return size() == 0; }
  // REQUIRES: not empty.
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }

  auto begin() { return Iterator<StableList>(this, inner_ ? 0 : 1); }
  auto end() { return Iterator<StableList>(this, outer_size() + 1); }
  auto begin() const { return Iterator<const StableList>(this, inner_ ? 0 : 1); }
  auto end() const { return Iterator<const StableList>(this, outer_size() + 1); }

 private:
  using Outer = std::vector<std::unique_ptr<T>>;

  size_t outer_size() const { return outer_ == nullptr ? 0 : outer_->size(); }

  std::optional<T> inner_;
  std::unique_ptr<Outer> outer_;  // Null: there never were others.
};

}  // namespace alertjoin
