#include "correlator-service/join/binding_directory.h"

#include <utility>

namespace alertjoin {
namespace {

// Streams hand over one object for a binding again and again; each stream has its own.
constexpr size_t kObjectsMax = 16'384;

}  // namespace

std::shared_ptr<const BindingState> BindingDirectory::Resolve(const Shared<Binding>& binding,
                                                              SeriesDirectory& directory) {
  const auto same_object = by_object_.find(binding.pointer().get());
  if (same_object != by_object_.end()) return same_object->second.state;
  auto known = states_.find(*binding);
  if (known == states_.end()) {
    auto added = std::make_shared<BindingState>();
    added->binding = binding.pointer();
    added->query = &directory.QueryOf(binding->query);
    if (binding->matching == Matching::kOn) {
      added->group = added->query->index.GroupOf(*binding, {});
    }
    known = states_.insert(std::move(added)).first;
  }
  if (by_object_.size() >= kObjectsMax) by_object_.clear();
  by_object_.emplace(binding.pointer().get(), Alias{binding, *known});
  return *known;
}

const BindingState* BindingDirectory::FindObject(const Shared<Binding>& binding) const {
  const auto found = by_object_.find(binding.pointer().get());
  return found == by_object_.end() ? nullptr : found->second.state.get();
}

void BindingDirectory::Purge() {
  by_object_.clear();
  std::erase_if(states_, [](const State& state) { return state.use_count() == 1; });
}

}  // namespace alertjoin
