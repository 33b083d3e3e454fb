#pragma once

#include <cstddef>
#include <unordered_set>

#include "common/event/event.h"

namespace alertjoin {

struct BindingHash {
  size_t operator()(const Binding& binding) const;
};

// One object for all equal bindings: the notifications of a rule repeat theirs for ever. It forgets
// those that nobody else holds any more by itself, so that it grows with the bindings in use. Not
// thread-safe.
class BindingTable {
 public:
  Shared<Binding> Intern(Binding binding);

  size_t size() const { return bindings_.size(); }

 private:
  static constexpr size_t kPurgeFrom = 1024;

  struct Hash {
    using is_transparent = void;
    size_t operator()(const Binding& binding) const { return BindingHash()(binding); }
    size_t operator()(const Shared<Binding>& binding) const { return BindingHash()(*binding); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Shared<Binding>& a, const Shared<Binding>& b) const { return a == b; }
    bool operator()(const Binding& a, const Shared<Binding>& b) const { return a == *b; }
    bool operator()(const Shared<Binding>& a, const Binding& b) const { return *a == b; }
  };

  std::unordered_set<Shared<Binding>, Hash, Equal> bindings_;
  size_t purge_at_ = kPurgeFrom;
};

}  // namespace alertjoin
