#include "correlator-service/join/binding_table.h"

#include <functional>
#include <string>
#include <utility>

namespace alertjoin {

size_t BindingTable::Hash::operator()(const Binding& binding) const {
  // The query and the threshold tell nearly all apart; equality looks at the rest.
  const std::hash<std::string> hash;
  size_t value = hash(binding.query.expression) * 31 + hash(binding.query.source);
  value = value * 31 + hash(binding.query.name);
  return value * 31 + std::hash<double>()(binding.threshold.value_or(0));
}

std::shared_ptr<const Binding> BindingTable::Intern(Binding binding) {
  const auto known = bindings_.find(binding);
  if (known != bindings_.end()) return *known;
  return *bindings_.insert(std::make_shared<const Binding>(std::move(binding))).first;
}

void BindingTable::Purge() {
  std::erase_if(bindings_, [](const Shared& binding) { return binding.use_count() == 1; });
}

}  // namespace alertjoin
