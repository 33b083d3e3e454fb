#include "ingest-service/backfill/time_ranges.h"

#include <algorithm>
#include <iterator>

#include "common/status/status.h"

namespace alertjoin {

void TimeRanges::Add(TimeRange added) {
  CHECK(added.from <= added.through);
  auto next = ranges_.upper_bound(added.from);
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second + Millis(1) >= added.from) {
      added.from = before->first;
      added.through = std::max(added.through, before->second);
      ranges_.erase(before);
    }
  }
  while (next != ranges_.end() && next->first <= added.through + Millis(1)) {
    added.through = std::max(added.through, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace(added.from, added.through);
}

std::vector<TimeRange> TimeRanges::MissingIn(TimeRange wanted) const {
  std::vector<TimeRange> missing;
  Timestamp from = wanted.from;
  for (const auto& [begin, end] : ranges_) {
    if (end < from) continue;
    if (begin > wanted.through) break;
    if (begin > from) missing.push_back({from, begin - Millis(1)});
    from = end + Millis(1);
  }
  if (from <= wanted.through) missing.push_back({from, wanted.through});
  return missing;
}

std::vector<TimeRange> TimeRanges::All() const {
  std::vector<TimeRange> all;
  for (const auto& [from, through] : ranges_) all.push_back({from, through});
  return all;
}

}  // namespace alertjoin
