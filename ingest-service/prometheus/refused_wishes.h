#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// Exact queries that were refused for want of room, gathered until they are told: one Gap for each
// query, from the first of their times to the last, since there may be very many. Of more than
// kQueriesMax queries no gaps are told. Not thread-safe.
class RefusedWishes {
 public:
  static constexpr size_t kQueriesMax = 1'000;

  void Add(const Query& query, Timestamp time);
  bool empty() const { return queries_.empty(); }
  // Gaps of what was added since the last call.
  std::vector<Event> TakeGaps();

 private:
  struct OfQuery {
    Timestamp from;
    Timestamp through;
    uint64_t count = 0;
  };

  std::map<Query, OfQuery> queries_;
};

}  // namespace alertjoin
