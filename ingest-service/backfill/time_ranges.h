#pragma once

#include <map>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

// A closed range of time.
struct TimeRange {
  Timestamp from;
  Timestamp through;

  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// A set of moments as closed ranges in whole milliseconds, so that [1, 5] and [6, 9] make [1, 9].
// Not thread-safe. A value type.
class TimeRanges {
 public:
  // REQUIRES: from <= through.
  void Add(TimeRange added);

  // The parts of `wanted` that are not in the set, in order.
  std::vector<TimeRange> MissingIn(TimeRange wanted) const;
  // All of it, in order.
  std::vector<TimeRange> All() const;
  bool empty() const { return ranges_.empty(); }

 private:
  std::map<Timestamp, Timestamp> ranges_;  // End by begin. Disjoint, not adjacent.
};

}  // namespace alertjoin
