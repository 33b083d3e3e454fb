#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "common/event/event.h"

namespace alertjoin {

// Which queries have been settled at which times, so that a repeated notification asks nothing
// again. Holds the newest `entries_max`. Not thread-safe.
class RecentlySettled {
 public:
  explicit RecentlySettled(size_t entries_max) : entries_max_(entries_max) {}

  void Add(const Query& query, Timestamp time, Millis window);
  // How far back raw samples were asked for; nothing when the query was not settled then.
  std::optional<Millis> WindowOf(const Query& query, Timestamp time) const;

 private:
  using Entries = std::map<std::pair<Query, Timestamp>, Millis>;

  const size_t entries_max_;
  Entries entries_;
  std::deque<Entries::iterator> order_;
};

}  // namespace alertjoin
