#pragma once

#include <cstddef>
#include <map>

#include "common/time/timestamp.h"

namespace alertjoin {

// A closed interval of time.
struct Interval {
  Timestamp from;
  Timestamp through;
  friend bool operator==(const Interval&, const Interval&) = default;
};

// The times for which a query's source has sent every sample: a set of closed intervals at
// millisecond resolution, so that [1, 5] and [6, 9] make [1, 9]. Not thread-safe. A value type.
class Coverage {
 public:
  // Adds the interval and returns the whole one that it has become part of. REQUIRES: from <=
  // through.
  Interval Add(Interval added);
  // Whether every millisecond of the interval is covered.
  bool Contains(Interval wanted) const;
  // The interval that reaches furthest. REQUIRES: not empty.
  Interval Newest() const;
  // Forgets what lies before `horizon`.
  void Expire(Timestamp horizon);

  bool empty() const { return through_by_from_.empty(); }
  size_t size() const { return through_by_from_.size(); }

 private:
  std::map<Timestamp, Timestamp> through_by_from_;  // Disjoint, not adjacent.
};

}  // namespace alertjoin
