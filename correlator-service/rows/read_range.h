#pragma once

#include <map>
#include <vector>

#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Appends the next entries of the range to `page`, until it has `count` of them. True when nothing
// of the range comes after these.
template <typename Entry>
bool ReadRange(const std::map<RowPosition, Entry>& table, const RowRange& range, size_t count,
               std::vector<Entry>& page) {
  auto next = table.begin();
  // `to` is exclusive: the first position at or before the millisecond ahead of it.
  if (range.to.has_value()) {
    next = table.lower_bound(RowPosition{*range.to - Millis(1), RowId{}});
  }
  if (range.after.has_value()) {
    const auto after = table.upper_bound(*range.after);
    const bool further =
        next != table.end() && (after == table.end() || next->first < after->first);
    if (further) next = after;
  }
  const auto in_range = [&] {
    return next != table.end() &&
           (!range.from.has_value() || next->first.event_time >= *range.from);
  };
  for (; page.size() < count && in_range(); ++next) page.push_back(next->second);
  return !in_range();
}

}  // namespace alertjoin
