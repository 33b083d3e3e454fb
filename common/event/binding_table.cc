#include "common/event/binding_table.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace alertjoin {

size_t BindingHash::operator()(const Binding& binding) const {
  // The query and the threshold tell nearly all apart; equality looks at the rest.
  const std::hash<std::string> hash;
  size_t value = hash(binding.query.expression) * 31 + hash(binding.query.source);
  value = value * 31 + hash(binding.query.name);
  return value * 31 + std::hash<uint64_t>()(binding.ThresholdKey().second);
}

Shared<Binding> BindingTable::Intern(Binding binding) {
  const auto known = bindings_.find(binding);
  if (known != bindings_.end()) return *known;
  if (bindings_.size() >= purge_at_) {
    std::erase_if(bindings_, [](const auto& held) { return held.pointer().use_count() == 1; });
    purge_at_ = std::max(kPurgeFrom, 2 * bindings_.size());
  }
  return *bindings_.insert(Shared<Binding>(std::move(binding))).first;
}

}  // namespace alertjoin
