#include "correlator-service/join/coverage.h"

#include <algorithm>

#include "common/status/status.h"

namespace alertjoin {

Interval Coverage::Add(Interval added) {
  CHECK(added.from <= added.through);
  auto next = through_by_from_.upper_bound(added.from);
  if (next != through_by_from_.begin()) {
    const auto previous = std::prev(next);
    if (previous->second + Millis(1) >= added.from) next = previous;
  }
  while (next != through_by_from_.end() && next->first <= added.through + Millis(1)) {
    added.from = std::min(added.from, next->first);
    added.through = std::max(added.through, next->second);
    next = through_by_from_.erase(next);
  }
  through_by_from_.emplace_hint(next, added.from, added.through);
  return added;
}

bool Coverage::Contains(Interval wanted) const {
  auto next = through_by_from_.upper_bound(wanted.from);
  if (next == through_by_from_.begin()) return false;
  return std::prev(next)->second >= wanted.through;
}

Interval Coverage::Newest() const {
  CHECK(!empty());
  const auto& [from, through] = *through_by_from_.rbegin();
  return {from, through};
}

void Coverage::Expire(Timestamp horizon) {
  while (!through_by_from_.empty() && through_by_from_.begin()->second < horizon) {
    through_by_from_.erase(through_by_from_.begin());
  }
}

}  // namespace alertjoin
