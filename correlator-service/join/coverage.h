#pragma once

#include <map>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

// A closed interval of time.
struct Interval {
  Timestamp from;
  Timestamp through;
  friend bool operator==(const Interval&, const Interval&) = default;
};

// The times for which a query's source has sent every sample: all that were ever added, without
// those that were ever made void. A set of closed intervals at millisecond resolution, so that
// [1, 5] and [6, 9] make [1, 9]. Not thread-safe. A value type.
class Coverage {
 public:
  // Adds the interval, and returns one that holds it and all that it has become part of. REQUIRES:
  // from <= through.
  Interval Add(Interval added);
  // Takes the interval out for good: what is added later does not bring it back. REQUIRES: from <=
  // through.
  void Void(Interval voided);
  // Whether every millisecond of the interval is covered.
  bool Contains(Interval wanted) const;
  // The interval that reaches furthest. REQUIRES: not empty.
  Interval Newest() const;
  // Forgets what lies before `horizon`.
  void Expire(Timestamp horizon);

  bool empty() const { return covered_.empty(); }
  // All intervals that are covered, in order, and all that are void.
  std::vector<Interval> Covered() const;
  std::vector<Interval> Voided() const;

 private:
  using Intervals = std::map<Timestamp, Timestamp>;  // End by begin. Disjoint, not adjacent.

  static Interval Insert(Intervals& intervals, Interval added);
  static void ForgetBefore(Intervals& intervals, Timestamp horizon);

  Intervals covered_;  // Nothing of it is void.
  Intervals voided_;
};

}  // namespace alertjoin
