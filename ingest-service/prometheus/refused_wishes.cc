#include "ingest-service/prometheus/refused_wishes.h"

#include <fmt/format.h>

#include <algorithm>

namespace alertjoin {

void RefusedWishes::Add(const Query& query, Timestamp time) {
  auto known = queries_.find(query);
  if (known == queries_.end()) {
    if (queries_.size() == kQueriesMax) return;
    known = queries_.emplace(query, OfQuery{time, time, 0}).first;
  }
  OfQuery& refused = known->second;
  refused.from = std::min(refused.from, time);
  refused.through = std::max(refused.through, time);
  ++refused.count;
}

std::vector<Event> RefusedWishes::TakeGaps() {
  std::vector<Event> gaps;
  for (const auto& [query, refused] : queries_) {
    gaps.emplace_back(
        Gap{query.source, query, refused.from, refused.through,
            fmt::format("no exact query at the time of {} transitions: too many are waiting",
                        refused.count)});
  }
  queries_.clear();
  return gaps;
}

}  // namespace alertjoin
