#pragma once

#include <memory>
#include <unordered_set>

#include "absl/container/flat_hash_map.h"
#include "common/event/binding_table.h"
#include "correlator-service/join/engine_state.h"
#include "correlator-service/join/series_directory.h"

namespace alertjoin {

// The bindings of one engine, one object for all equal ones. Not thread-safe.
class BindingDirectory {
 public:
  std::shared_ptr<const BindingState> Resolve(const Shared<Binding>& binding,
                                              SeriesDirectory& directory);
  // Null when this object has not come yet.
  const BindingState* FindObject(const Shared<Binding>& binding) const;
  // Forgets those that nobody else holds any more.
  void Purge();

 private:
  using State = std::shared_ptr<const BindingState>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Binding& binding) const { return BindingHash()(binding); }
    size_t operator()(const State& state) const { return BindingHash()(*state->binding); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const State& a, const State& b) const { return *a->binding == *b->binding; }
    bool operator()(const Binding& a, const State& b) const { return a == *b->binding; }
    bool operator()(const State& a, const Binding& b) const { return *a->binding == b; }
  };
  // An object by which a binding came; held, so that no other takes its address.
  struct Alias {
    Shared<Binding> held;
    State state;
  };

  std::unordered_set<State, Hash, Equal> states_;
  absl::flat_hash_map<const Binding*, Alias> by_object_;
};

}  // namespace alertjoin
