#pragma once

#include <memory>
#include <unordered_set>

#include "common/event/event.h"

namespace alertjoin {

// One object for all equal bindings: the notifications of a rule repeat theirs for ever. Not
// thread-safe.
class BindingTable {
 public:
  std::shared_ptr<const Binding> Intern(Binding binding);
  // Forgets those that nobody else holds any more.
  void Purge();

  size_t size() const { return bindings_.size(); }

 private:
  using Shared = std::shared_ptr<const Binding>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Binding& binding) const;
    size_t operator()(const Shared& binding) const { return (*this)(*binding); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Shared& a, const Shared& b) const { return *a == *b; }
    bool operator()(const Binding& a, const Shared& b) const { return a == *b; }
    bool operator()(const Shared& a, const Binding& b) const { return *a == b; }
  };

  std::unordered_set<Shared, Hash, Equal> bindings_;
};

}  // namespace alertjoin
