#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace alertjoin {

// Where a field stands in a message ("transition.bindings[0].query"), put together only when
// somebody is told: most fields are in order. It keeps a view of its name and a pointer to the path
// of what it stands in, which must both outlive it.
class FieldPath {
 public:
  // Implicit: the path of what stands in nothing.
  FieldPath(const char* name) : name_(name) {}
  FieldPath(std::string_view name) : name_(name) {}
  FieldPath(const std::string& name) : name_(name) {}
  FieldPath(const FieldPath& parent, std::string_view name) : parent_(&parent), name_(name) {}
  // An entry of a repeated field.
  FieldPath(const FieldPath& parent, std::string_view name, size_t index)
      : parent_(&parent), name_(name), index_(index) {}

  std::string ToString() const {
    std::string text = parent_ == nullptr ? std::string() : parent_->ToString() + ".";
    text += name_;
    if (index_.has_value()) text += "[" + std::to_string(*index_) + "]";
    return text;
  }

 private:
  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  std::optional<size_t> index_;
};

}  // namespace alertjoin
